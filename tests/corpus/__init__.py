"""Any folder of media and timelines, through everything that a job does with a shot but the generation."""
