# Input core, PS/2 controller, keyboard, mouse.
KOBJS += drivers/input/input.o drivers/input/i8042.o drivers/input/atkbd.o drivers/input/psmouse.o drivers/input/input_test.o
