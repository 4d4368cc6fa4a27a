"""Question → SQL: what of the schema matters, the prompt, mending what the model wrote, and when to give up."""
