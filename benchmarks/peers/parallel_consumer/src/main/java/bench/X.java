package bench; class X {}
