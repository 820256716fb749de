"""All that is known about a model folder on disk: base, trust, allowed roots, prompt template, manifest."""
