"""Test hosts: a real sshd, an emulated Arm board, an emulated phone, an adbd that misbehaves. See README.md here."""
