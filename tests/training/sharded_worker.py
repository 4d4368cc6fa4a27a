"""The worker, where Accelerate is made to shard on a processor: it leaves FSDP out there, though PyTorch can do it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DistributedType

from allotment.training._ranks import end
from allotment.training.worker._worker import main

_plain = AcceleratorState.__init__


def _with_fsdp(self: Any, *args: Any, fsdp_plugin: Any = None, **kwargs: Any) -> None:
    """What Accelerate does for cards."""
    _plain(self, *args, fsdp_plugin=fsdp_plugin, **kwargs)
    if fsdp_plugin is not None:
        self.fsdp_plugin = fsdp_plugin
        self.distributed_type = PartialState._shared_state["distributed_type"] = DistributedType.FSDP


AcceleratorState.__init__ = _with_fsdp

if __name__ == "__main__":
    end(main(Path(sys.argv[1])))
