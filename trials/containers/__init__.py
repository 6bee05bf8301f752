"""The image and the compose file, built and run by a real container engine: `python -m trials.containers`."""
