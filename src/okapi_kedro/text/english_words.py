"""Short word lists of English and the singular of nouns, for what is read without a language model."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


IMPERATIVES = _words(
    "abbreviate adapt add adjust aggregate analyse analyze annotate answer append apply argue arrange ask assemble "
    "assess assign assume brainstorm break build calculate categorise categorize change characterize check choose "
    "cite clarify classify collect combine come compare compile complete compose compress compute conduct conjugate "
    "connect consider construct contrast convert convince copy correct count craft create critique debate decide "
    "deduce define delete demonstrate derive describe design detect determine develop devise diagnose differentiate "
    "discover discuss distinguish divide document draft draw edit elaborate eliminate encode enhance estimate "
    "evaluate expand explain express extend extract figure fill find finish fix form format formulate gather generate "
    "get give group guess help highlight hypothesize identify illustrate imagine implement improve include indicate "
    "infer insert integrate interpret introduce invent join justify label learn list look make match measure mention "
    "merge modify multiply name offer optimize order organise organize outline output paraphrase parse perform pick "
    "place plan point predict prepare present pretend print produce propose prove provide put rank rate read "
    "rearrange recall recite recognize recommend reconstruct reduce reformat reformulate remove reorder reorganise "
    "reorganize rephrase replace reply report represent research resolve respond restate restructure retrieve return "
    "reverse review revise reword rewrite rotate round search select send separate share shorten show simplify "
    "simulate sketch solve sort specify spell split state structure subtract suggest sum summarise summarize supply "
    "suppose synthesize take tell think trace train transcribe transform translate turn update use verify visualize "
    "write"
)
"""Verbs that instructions open with; any other verb is known by the determiner after it."""

DETERMINERS = _words(
    "a an the this that these those my your his her its our their some any all each every both either several many few "
    "another no"
)
NUMBERS = _words("one two three four five six seven eight nine ten eleven twelve twenty fifty hundred thousand")
PRONOUNS = _words("i me you he him she it us we they them myself yourself itself themselves one's someone who's")
INDIRECT_OBJECTS = _words("me us him them")
PREPOSITIONS = _words(
    "about above according across after against along among around as at based before behind below beneath beside "
    "between beyond by concerning despite due during except for from in inside into like near of off on onto out "
    "outside over per regarding since than through throughout to toward towards under until up upon using via versus "
    "vs with within without"
)
CLAUSE_OPENERS = _words(
    "because how if so such that then though unless what when where whether which while who whom whose why"
)
CONJUNCTIONS = _words("and or & nor but")
AUXILIARIES = _words(
    "am are can cannot could did do does has have is had may might must shall should was were will would"
)
PARTICLES = _words("away down off out over together up apart")
POLITE_OPENERS = _words("please kindly now then next first finally also and so hey hi hello ok okay")

ADJECTIVES = _words(
    "above accurate ancient appropriate bad basic below best better big black blue brief clear common complex concise "
    "correct current daily deep detailed different difficult early easy famous few final first following free "
    "friendly fun funny good great green happy hard healthy high human important interesting large last late latest "
    "left likely little long low main major modern monthly more most new next nuclear old online only other own "
    "perfect popular proper recent red relevant rich right round sad safe same second short significant similar "
    "simple single small solar standard strong sure sweet third top true unique unusual urgent various weekly white "
    "whole wide worst wrong yellow young"
)
ADJECTIVE_ENDINGS = ("able", "ible", "al", "est", "ful", "ic", "ive", "less", "ous")
NOUNS_LIKE_ADJECTIVES = _words(
    "adjective alternative animal antibiotic appeal approval arithmetic arrival cable capital carnival cereal "
    "characteristic classic clinic comic contest critic deal demographic detective directive editorial epidemic "
    "executive fable fabric festival forest goal graphic guest handful harvest hospital incentive individual "
    "infographic initiative interest journal logic magic manual material meal mechanic medal metal metric mineral "
    "mnemonic mosaic motive music narrative native numeral objective pandemic perspective picnic plastic portal "
    "potential principal professional proposal quest referral relative rental request rival signal statistic table "
    "terminal test timetable topic total traffic trial tutorial variable vegetable"
)
NO_ADVERBS = ADJECTIVES | IMPERATIVES | _words("anomaly ally assembly belly bully butterfly family fly jelly monopoly")
ADVERBS = _words("also ascending descending just not quite rather really so too very very well")
GERUND_NOUNS = _words(
    "advertising banking blogging booking boxing branding briefing building cleaning clothing coding "
    "computing consulting cooking counting cycling dancing drawing dressing driving earring ending engineering evening "
    "farming fasting feeling filling finding funding gaming gardening gathering greeting grouping heading hearing "
    "hiking housing icing king learning lighting listing living marketing meaning meeting modeling morning nursing "
    "offering opening outing packaging painting parking planning pricing printing processing programming pudding "
    "punning ranking rating reading recording recycling ring saying scheduling setting shipping shopping sibling "
    "singing spelling spending spring string styling swimming teaching thing thinking timing training trading "
    "travelling understanding warming warning wedding wing wording writing anything something nothing everything"
)
PARTICIPLES = _words(
    "begun bought built chosen done driven found given held kept known left made meant seen shown spoken taken taught "
    "told used worn written won"
)
NOUNS_LIKE_PARTICIPLES = _words("bed breed creed deed feed greed need reed seed shed speed steed weed")
LATE_ADVERBS = _words("above aloud again ago below here more most once online there today together twice")

_PLURALS = dict(
    pair.split(":")
    for pair in _words(
        "analyses:analysis axes:axis caches:cache calves:calf children:child cookies:cookie crises:crisis feet:foot "
        "criteria:criterion diagnoses:diagnosis geese:goose halves:half headaches:headache hypotheses:hypothesis "
        "knives:knife leaves:leaf lies:lie lives:life loaves:loaf men:man menus:menu mice:mouse movies:movie "
        "oases:oasis phenomena:phenomenon pies:pie quizzes:quiz selfies:selfie selves:self shelves:shelf shoes:shoe "
        "smoothies:smoothie syllabi:syllabus synopses:synopsis teeth:tooth theses:thesis thieves:thief ties:tie "
        "toes:toe wives:wife wolves:wolf women:woman zombies:zombie"
    )
)
_NO_PLURALS = _words(
    "aerobics analytics basis bias bonus bus campus canvas chaos clothes christmas corpus economics electronics ethics "
    "focus gas genetics gymnastics lens linguistics mathematics mechanics news physics politics robotics series "
    "species statistics status tennis virus"
)


def singular(noun: str) -> str:
    """The singular of an English noun in lower case; `stories` is `story`, `news` and `class` stay as they are."""
    if noun in _PLURALS:
        return _PLURALS[noun]
    if noun in _NO_PLURALS or len(noun) < 4 or not noun.endswith("s") or noun.endswith(("ss", "us", "is")):
        return noun
    if noun.endswith("ies"):
        return f"{noun[:-3]}y"
    if noun.endswith(("sses", "xes", "ches", "shes", "zes", "oes")):
        return noun[:-1] if noun.endswith(("izes", "azes")) else noun[:-2]
    return noun[:-1]


def like_adjective(word: str) -> bool:
    """Whether a word, by the look of it, tells a quality and names no thing."""
    return word in ADJECTIVES or (word.endswith(ADJECTIVE_ENDINGS) and word not in NOUNS_LIKE_ADJECTIVES)


def like_adverb(word: str) -> bool:
    """Whether a word, by the look of it, goes with a verb or an adjective."""
    return word in ADVERBS or (word.endswith("ly") and word not in NO_ADVERBS)


def like_participle(word: str) -> bool:
    """Whether a word, by its look, is a verb's form that can follow a noun: `the text given`, `a cat eating`."""
    if word.endswith("ing"):
        return word not in GERUND_NOUNS
    return word in PARTICIPLES or (word.endswith("ed") and len(word) > 3 and word not in NOUNS_LIKE_PARTICIPLES)
