"""Languages that differ from a neighbour by their words rather than by their spelling, which a detector counts."""

from collections.abc import Iterable
from dataclasses import dataclass

MIN_WORDS = 2
"""One word may be a quotation, a name or a regional form."""
TIMES_OWN = 3
"""How many times the neighbour's words must outnumber the language's own."""


@dataclass(frozen=True)
class Neighbour:
    """A language close to another, and common words that only one of the two has.

    Args:
        code: ISO 639-1 code of the neighbour.
        words: lower-case words of the neighbour that are not words of the language.
        own_words: words of the language that are not words of the neighbour.
    """

    code: str
    words: frozenset[str]
    own_words: frozenset[str]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NEIGHBOURS = {
    "hr": Neighbour(
        "sr",
        _words(
            "gde ovde nigde negde svuda uvek posle pre vreme reč reči rečima deca dece deci dete deteta mleko "
            "mleka hleb hleba voz nedelja nedelje sledeći sledeća sledeće sledećih lep lepa lepo lepe mesto mesta "
            "mestu čovek čoveka hteo htela ceo cela celo celu deo dela delu delova telo primer primera primeri "
            "promena promene promeni zamena izmena izmene izmeni uslov uslovi uslova ko niko šta takođe opšte "
            "opšti uopšte hiljada hiljade evropa evrope evropski pozorište fabrika istorija istorije istoriju "
            "hemija hemije univerzitet univerziteta januar februar avgust septembar oktobar novembar decembar "
            "napolju uspeh uspešno uspešan bezbednost verovatno mera mere rešenje rešenja rešiti rešava vrednost "
            "vrednosti tačka tačno tačan kafa kašika vazduh bašta bašti pijaca pijaci želeo želela voleo volela "
            "razumeti razume sprečiti obezbediti svest umetnost umetnik sever reka reke zahtev zahteva uverenje "
            "uveren odeljenje odeljak obaveštenje saobraćaj letnji zvezda zvezde pesma pesme pesnik beleška "
            "beleške vek veka vekova devojka devojčica sećanje nasleđe poreklo"
        ),
        _words(
            "gdje ovdje nigdje negdje uvijek poslije prije vrijeme riječ riječi riječima djeca djece djeci dijete "
            "djeteta mlijeko mlijeka kruh kruha vlak tjedan tjedna sljedeći sljedeća sljedeće sljedećih lijep "
            "lijepa lijepo lijepe mjesto mjesta mjestu čovjek čovjeka htio htjela cijeli cijela cijelo cijelu dio "
            "dijela dijelu dijelova tijelo primjer primjera primjeri promjena promjene promijeni zamjena izmjena "
            "izmjene izmijeni uvjet uvjeti uvjeta tko nitko netko također opće opći uopće tisuća tisuće europa "
            "europe europski kazalište tvornica povijest povijesti kemija kemije sveučilište sveučilišta siječanj "
            "veljača ožujak travanj svibanj lipanj srpanj kolovoz rujan listopad studeni prosinac uspjeh uspješno "
            "uspješan vjerojatno mjera mjere rješenje rješenja riješiti rješava vrijednost vrijednosti točka "
            "točno točan kava kave žlica susjed susjeda susjedi rajčica rajčice želio željela volio voljela "
            "razumjeti razumije spriječiti svijest umjetnost umjetnik sjever rijeka rijeke zahtjev zahtjeva "
            "uvjerenje uvjeren odjel obavijest ljetni zvijezda zvijezde pjesma pjesme pjesnik bilješka bilješke "
            "stoljeće stoljeća djevojka djevojčica sjećanje naslijeđe podrijetlo svijet svijeta svijetu"
        ),
    ),
    "id": Neighbour(
        "ms",
        _words(
            "kerana bahawa ialah awak sila wang sahaja berbeza perbezaan beza cuba mahu hendaklah sekiranya "
            "faedah universiti kesihatan maklumat isnin khamis jumaat ahad ogos julai disember oktober tarikh "
            "laluan fail pautan ralat sebarang nombor emel lelaki manakala kanak-kanak sejuk syarikat kualiti "
            "aktiviti komuniti televisyen kaedah peratus berjaya kejayaan apabila stesen basikal epal telefon "
            "semula dibenarkan padam"
        ),
        _words(
            "karena bahwa kamu silakan uang saja berbeda perbedaan beda coba mau universitas kesehatan informasi "
            "senin kamis jumat agustus maret juli desember tanggal sandi berkas tautan galat nomor surel "
            "laki-laki sedangkan anak-anak teman dingin perusahaan kualitas aktivitas komunitas televisi metode "
            "persen berhasil keberhasilan bisa stasiun sepeda apel telepon diizinkan hapus mobil kantor"
        ),
    ),
}


def close_language(words: Iterable[str], code: str) -> str | None:
    """The code of the neighbour of a language that words belong to rather than to the language itself, or None."""
    neighbour = NEIGHBOURS.get(code)
    if neighbour is None:
        return None
    lower = [word.lower() for word in words]
    others = sum(word in neighbour.words for word in lower)
    own = sum(word in neighbour.own_words for word in lower)
    return neighbour.code if others >= MIN_WORDS and others > TIMES_OWN * own else None
