"""A napari plugin: what a layer shows, restored into a new layer."""
