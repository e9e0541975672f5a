"""The machine with the GPU: jobs, workers, delivery."""

import dynvfx  # noqa: F401 - before torch is imported anywhere below: see there
