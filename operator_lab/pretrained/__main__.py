"""`python -m operator_lab.pretrained`: measure the field trip's shipped results anew."""

from .survey import ship

if __name__ == "__main__":
    print(ship())
