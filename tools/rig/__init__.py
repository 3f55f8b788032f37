"""Test hosts: a real sshd, an emulated Arm board, an emulated phone, and an adbd with faults on request. See README.md
here.
"""
