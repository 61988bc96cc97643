"""Proves that the container images and the Debian package build and run, without a container engine."""
