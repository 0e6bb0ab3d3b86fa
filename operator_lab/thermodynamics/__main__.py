"""`python -m operator_lab.thermodynamics`: make the shipped sweep of grokking runs anew."""

from .grokking import ship_sweep

if __name__ == "__main__":
    print(ship_sweep())
