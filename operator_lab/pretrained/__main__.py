"""`python -m operator_lab.pretrained`: measure the field trip's shipped results anew."""

from . import repetition, survey

if __name__ == "__main__":
    print(survey.ship(), repetition.ship(), sep="\n")
