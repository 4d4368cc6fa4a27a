"""One module for each file format: bytes in, one text with its blocks and pages out. Entered through ``_extract``."""

__all__: list[str] = []
