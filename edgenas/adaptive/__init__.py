"""Networks that adapt on the device: a menu of networks, and the program that switches between them."""
