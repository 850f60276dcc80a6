"""How fast, small and cheap it is: measured beside the alternative and the floor, in one run (`make bench`)."""
