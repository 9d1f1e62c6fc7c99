"""A stranger's file in a process of its own: it computes, we judge. What it patches, it patches for itself alone."""
