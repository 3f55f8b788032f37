"""The parts of ``adaptive.py``, the program on the device, in the order in which ``edgenas.adaptive.program`` joins
them into one file. They need Python 3.9 and numpy, and import each other and nothing else of edgenas."""
