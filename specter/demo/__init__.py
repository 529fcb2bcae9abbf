"""`specter demo`: a live dashboard of a folder, written as a model application. Begin to read at ``app.py``."""
