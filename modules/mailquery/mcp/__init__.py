"""The tools, resources, prompts and completions; one file per family."""
