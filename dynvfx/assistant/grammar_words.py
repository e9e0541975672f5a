"""English words that the offline assistant knows: what asks, what places, what fills a whole frame."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


POLITE = _phrases(
    "please|kindly|hey|hi|hello|ok|okay|so|just|maybe|also|then|thanks|thank you|now|can you|could you|"
    "would you|will you|can we|could we|i want you to|i need you to|i would like you to|i'd like you to|"
    "i want to|i would like to|i'd like to|we want to|we should|let's|lets|let us|try to"
)

ASKING = _phrases(
    "i want to see|i want|i need|i would like to have|i would like|i'd like|i'd love|we want|we need|"
    "we'd like|give me|give us|show me|there should be|there must be|there has to be|there is|there are|"
    "there's|have|get|add in|add|adding|put in|put|place|insert|include|create|generate|render|draw|paint|"
    "drop in|drop|introduce|composite|comp in|comp|bring in|throw in|stick|show|make appear|make|do|let|hang|"
    "throw|spawn|summon|simulate|animate|start|launch|release"
)

REMOVING = ("remove", "delete", "erase", "get rid of", "take out", "take away", "paint out", "clean up")

PREPOSITIONS = _phrases(
    "to the left of|to the right of|on the left of|on the right of|on the left side of|on the right side of|"
    "in the middle of|in the centre of|in the center of|in the background of|in the foreground of|"
    "at the bottom of|at the top of|on top of|in front of|in place of|out of|next to|close to|ahead of|"
    "all over|coming from|behind|beside|besides|between|among|amongst|above|over|below|under|underneath|"
    "beneath|inside|outside|into|onto|upon|in|on|at|near|by|around|across|through|throughout|along|alongside|"
    "against|towards|toward|past|from|off|within|everywhere|left of|right of|to"
)

PLACES = _words(
    "left right background foreground corner middle center centre top bottom frame scene shot clip video screen picture"
    " image distance air side edge sky horizon footage view camera lens back front everywhere here there it them him us"
    " me you that this half third part area whole"
)
"""Words that say where in the picture, and name nothing that could be found there."""

ARTICLES = _words("a an the some any another one my your his her their our its this that these those")
NUMBERS = _words("two three four five six seven eight nine ten dozen several many few couple lots")
COLOURS = _words(
    "red green blue yellow orange purple pink violet white black brown grey gray golden gold silver cyan magenta"
    " turquoise teal beige"
)

EVERYWHERE = _words("everywhere throughout")
WEATHER = _words(
    "snow snowfall snowflake blizzard snowstorm rain rainfall raindrop rainstorm downpour drizzle hail storm"
    " thunderstorm sandstorm aurora sunset sunrise night darkness"
)
"""Content that always fills the frame."""
ATMOSPHERE = _words(
    "fog mist haze smoke dust steam ash confetti ember spark bubble petal leaf leaves pollen lightning sunlight"
    " moonlight godray"
)
"""Content that fills the frame unless it comes from, or sits on, a named thing."""
MASS = _words(
    "snow snowfall rain rainfall hail fog mist haze smoke dust steam ash confetti fire flame lightning water lava ice"
    " sand grass ivy moss paint blood pollen sunlight moonlight darkness drizzle slime mud glitter magic"
)
"""Nouns that take no article."""

PROCESSES = {
    "snow": "snow",
    "snowing": "snow",
    "rain": "rain",
    "raining": "rain",
    "hail": "hail",
    "hailing": "hail",
    "foggy": "fog",
    "misty": "mist",
    "hazy": "haze",
    "smoky": "smoke",
    "stormy": "storm",
    "snowy": "snow",
    "rainy": "rain",
    "windy": "wind",
    "dusty": "dust",
    "burn": "fire",
    "burning": "fire",
    "explode": "explosion",
    "exploding": "explosion",
    "smoke": "smoke",
    "smoking": "smoke",
    "glow": "glow",
    "glowing": "glow",
    "freeze": "ice",
    "frozen": "ice",
}
"""What a verb or an adjective of state adds to a picture."""

NOUNS_IN_ING = _words(
    "king ring wing string spring ceiling building painting thing swing sling pudding sibling duckling herring railing"
    " crossing lightning lighting evening morning clothing wedding being viking awning earring gosling sting"
)

MOVES = {
    "appear": "appearing",
    "bounce": "bouncing",
    "breach": "breaching",
    "burst": "bursting",
    "dance": "dancing",
    "drift": "drifting",
    "drive": "driving",
    "fall": "falling",
    "float": "floating",
    "fly": "flying",
    "hover": "hovering",
    "jump": "jumping",
    "land": "landing",
    "move": "moving",
    "pass": "passing",
    "rise": "rising",
    "roll": "rolling",
    "run": "running",
    "sit": "sitting",
    "spin": "spinning",
    "stand": "standing",
    "swim": "swimming",
    "walk": "walking",
}
"""What new content may do ("let a balloon rise")."""
