"""Elman: write a recurrent cell once, as equations; see every number in it, train it, and check anyone's."""
