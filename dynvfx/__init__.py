"""The method. Importing it lets operations that Apple's GPUs lack run on the processor, which torch reads once."""

import os

os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")
