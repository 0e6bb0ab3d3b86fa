"""The tour of a living Transformer: the course's story in six experiments."""

from __future__ import annotations

from typing import NamedTuple

from ..model import Model

COIN = "the man paid the coin at the bank"
WATER = "the man crossed the water at the bank"


class Step(NamedTuple):
    """What is told, the experiment that shows it, and the figures to look at."""

    title: str
    text: str
    experiment: dict
    look: list[str]


def steps(model: Model) -> list[dict]:
    """The steps for the page; none for a model that the story is not about."""
    told = model.language.name == "compound" and (model.shape.layers, model.shape.heads) == (4, 4)
    return [step._asdict() for step in STORY] if told and model.excess(16) < 0.05 else []


STORY = (
    Step(
        "It guesses the next word",
        "This is a whole Transformer, at work in your page. It has read 'the man paid the "
        "coin at the bank' and says how likely each word is to follow: the filled bars. The "
        "open bars are the truth. We can know it, for this little language was made by us: "
        "every sentence hides one of five senses, and a rule of probability (Bayes' rule) "
        "tells exactly what follows. How far the model is from the truth is its excess, said "
        "in words below your sentence.",
        {"text": COIN},
        ["law"],
    ),
    Step(
        "One word, two meanings",
        "The last word is 'bank' as before, but now people cross the water, and words of the "
        "river follow. To a machine a word is only a label, the same in both sentences: what "
        "makes the difference is what 'bank' has taken over from the other words. The "
        "pentagon shows which sense Bayes' rule believes in (dots), and what can be read off "
        "the model's own numbers (rings); choose earlier words to see the belief grow.",
        {"text": WATER},
        ["law", "belief"],
    ),
    Step(
        "Words read each other",
        "Each small square is a head: its rows are the words that read, its columns the words "
        "that are read. Head 2.4, the large one, lets 'bank' read 'at', and we have silenced "
        "it. The law moves far: the model no longer knows that this 'bank' is a place, after "
        "which a sentence may end. Tick its box, and silence 2.3 instead, which reads 'coin': "
        "little happens, for other heads read 'coin' as well.",
        {"text": COIN, "head": "2.4", "off": ["2.4"]},
        ["law", "grid", "large"],
    ),
    Step(
        "Attention has a temperature",
        "How much one word reads another follows Boltzmann's law, exp(-E/T)/Z, as if it were "
        "a gas. Here the gas is ten times hotter than in training: each word reads the words "
        "before it far more evenly. After 'bank', 'and' and the full stop all but vanish, and "
        "words of the river rise from nothing to a tenth. Move the slider back to 1, then to "
        "the cold side: most heads read one word each. (As all heads cool at once, which word "
        "that is may change.)",
        {"text": COIN, "T": 10},
        ["law", "grid"],
    ),
    Step(
        "Depth, step by step and hop by hop",
        "'As if the model stopped here' reads the law off after every step. At the start it "
        "knows only the label 'bank' and guesses money, in any sentence; after attention 1 the "
        "river is there. That the sentence may go on with 'and', or end, is said by the last "
        "layers only. The other map counts hops, passages from word to word. What came "
        "without one is far from the answer; with one passage nearly all is there: words need "
        "not pass news on twice.",
        {"text": WATER},
        ["lens", "hops"],
    ),
    Step(
        "Where is the meaning kept?",
        "Two sentences run side by side. At one step we take one word's row of numbers out of "
        "the river sentence and put it into the money sentence; the rest runs on. The map "
        "below shows how far the answer turns: at first the meaning sits at 'coin', and from "
        "attention 2 on at 'bank'. Choose any cell. Then leave the tour, and write a sentence "
        "of your own.",
        {"text": COIN, "other": WATER, "step": 3},
        ["exchange"],
    ),
)
