"""Weights that others published: reading their files, and placing their tensors in the blocks of a network."""
