#!/usr/bin/env python3
"""Writes country_names.tsv: what people type in a country field, for every ISO 3166-1 country.

    pip install babel==2.18.0 && python3 country_names.py > country_names.tsv

The names come from the Unicode CLDR (version 47, as packaged by Babel); EXTRA below is ours. One line per country:
alpha-2, alpha-3, then every key. A key is the name folded as `src/country.rs` folds what it reads (see `exact`
and `folded`). A key that would mean two countries is left out and reported on stderr, so nothing is ever guessed.
"""

import re
import sys
import unicodedata

from babel import Locale
from babel.core import get_global

LANGUAGES = """en es pt pt_PT ca fr it ro de nl sv da nb fi et lv lt pl cs sk sl hr sr bg ru uk el tr hu ar fa he hi
    ja ko zh zh_Hant vi th id ms""".split()

# In CLDR but not a country of ISO 3166-1: regions, unions, test codes, exceptional reservations.
NOT_COUNTRIES = "AC CP CQ DG EA EU EZ IC QO TA UN XA XB ZZ".split()

# What CLDR does not list or Babel does not carry (alternative names): ISO's own formal order, short and former
# names, parts of the United Kingdom, common spellings.
EXTRA = {
    "AE": ["UAE", "U.A.E.", "Emirates", "EAU", "VAE"],
    "AG": ["Antigua"],
    "BA": ["Bosnia", "Bosnia and Herzegovina", "Bosnia Herzegovina", "Bosnia-Herzegovina"],
    "BO": ["Bolivia, Plurinational State of", "Plurinational State of Bolivia"],
    "BN": ["Brunei Darussalam"],
    "CD": ["DRC", "DR Congo", "Democratic Republic of the Congo", "Congo, Democratic Republic of the",
           "Congo (Democratic Republic of the)", "Congo, The Democratic Republic of the",
           "Congo (DRC)", "Congo DRC"],
    "CG": ["Republic of the Congo", "Congo, Republic of the", "Congo-Brazzaville"],
    "CI": ["Ivory Coast", "Cote d'Ivoire", "Cote Ivoire"],
    "CV": ["Cabo Verde"],
    "CN": ["PRC", "People's Republic of China", "China, People's Republic of", "Mainland China", "中华人民共和国"],
    "CZ": ["Czech Republic", "Česká republika"],
    "DE": ["Federal Republic of Germany", "BRD", "Bundesrepublik Deutschland"],
    "DO": ["Dominican Rep.", "Rep. Dominicana"],
    "FM": ["Micronesia, Federated States of", "Federated States of Micronesia"],
    "GB": ["UK", "U.K.", "Great Britain", "Britain", "England", "Scotland", "Wales", "Northern Ireland",
           "United Kingdom of Great Britain and Northern Ireland", "The United Kingdom", "Inglaterra", "Grande-Bretagne",
           "Gran Bretaña", "Großbritannien", "Groot-Brittannië", "Angleterre", "Schottland", "Gran Bretagna", "Escocia", "N. Ireland"],
    "GM": ["The Gambia", "Gambia, The"],
    "BS": ["The Bahamas", "Bahamas, The"],
    "GR": ["Hellas", "Hellenic Republic"],
    "HK": ["Hong Kong", "Hong Kong SAR", "Hongkong", "香港"],
    "IN": ["Bharat", "Republic of India"],
    "IR": ["Iran, Islamic Republic of", "Islamic Republic of Iran", "Iran (Islamic Republic of)"],
    "IE": ["Republic of Ireland", "Ireland, Republic of", "Eire"],
    "KN": ["Saint Kitts and Nevis", "St Kitts and Nevis"],
    "KP": ["Korea, Democratic People's Republic of", "Democratic People's Republic of Korea", "DPRK"],
    "KR": ["Korea, Republic of", "Republic of Korea", "Korea (Republic of)", "Korea, South", "S. Korea", "ROK", "한국"],
    "LA": ["Lao", "Lao People's Democratic Republic", "Lao PDR"],
    "LC": ["Saint Lucia"],
    "LY": ["Libyan Arab Jamahiriya"],
    "MD": ["Moldova, Republic of", "Republic of Moldova"],
    "MK": ["Macedonia", "Republic of Macedonia", "Macedonia, the former Yugoslav Republic of", "FYROM"],
    "MM": ["Burma", "Myanmar"],
    "MO": ["Macao", "Macau", "Macau SAR", "澳門", "澳门"],
    "MX": ["Méjico", "Mexique", "Estados Unidos Mexicanos"],
    "NL": ["Holland", "The Netherlands", "Holanda", "Hollande", "Niederlande", "Olanda"],
    "PH": ["The Philippines", "Filipinas", "Republic of the Philippines"],
    "PS": ["Palestine", "Palestine, State of", "State of Palestine", "Palestinian Territory, Occupied"],
    "RU": ["Russian Federation", "Российская Федерация", "РФ"],
    "SA": ["KSA", "Kingdom of Saudi Arabia", "Saudi"],
    "SH": ["Saint Helena, Ascension and Tristan da Cunha"],
    "SK": ["Slovak Republic"],
    "ST": ["Sao Tome and Principe"],
    "SY": ["Syrian Arab Republic"],
    "SZ": ["Swaziland", "eSwatini"],
    "TH": ["ประเทศไทย"],
    "TL": ["East Timor"],
    "TR": ["Turkey", "Turkiye", "Republic of Turkey"],
    "TT": ["Trinidad and Tobago", "Trinidad"],
    "TW": ["Taiwan, Province of China", "Taiwan, Republic of China", "ROC", "臺灣"],
    "TZ": ["Tanzania, United Republic of", "United Republic of Tanzania"],
    "US": ["USA", "U.S.A.", "U.S.", "United States of America", "The United States", "The United States of America",
           "The USA", "The US", "Estados Unidos de América", "Estados Unidos da América", "EE. UU.", "EEUU", "EUA",
           "États-Unis d'Amérique", "Vereinigte Staaten von Amerika", "Stati Uniti d'America", "Stany Zjednoczone Ameryki",
           "United States (USA)", "United States of America (USA)", "United States (US)", "США",
           "America", "Amerika", "US of A", "U.S. of America", "アメリカ"],
    "VA": ["Vatican", "Holy See", "Holy See (Vatican City State)", "Vatican City State"],
    "VC": ["Saint Vincent and the Grenadines"],
    "VE": ["Venezuela, Bolivarian Republic of", "Bolivarian Republic of Venezuela"],
    "VG": ["Virgin Islands, British", "Virgin Islands (British)"],
    "VI": ["Virgin Islands, U.S.", "Virgin Islands (U.S.)", "United States Virgin Islands", "USVI"],
    "VN": ["Viet Nam", "Vietnam", "Viet-Nam"],
    "ZA": ["RSA", "Republic of South Africa"],
}

# Names that some language has for one country and people use for two.
AMBIGUOUS = {"Congo", "Korea", "Virgin Islands"}

# Withdrawn and reserved alpha-3 codes, which CLDR lists beside the present ones.
FORMER = """ANT ASC BUR BYS CPT CSK CTE DDR DGA DHY FXX HVO JTN MID NTZ PCI PCZ PUS RHO ROM SCG SUN TAA TMP VDR WAK YMD
    YUG ZAR""".split()

UNDECOMPOSED = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe"})


def letters(text):
    """Letters, digits and marks only."""
    return "".join(c for c in text if unicodedata.category(c)[0] in "LMN")


def exact(name):
    """The key with its diacritics."""
    return unicodedata.normalize("NFC", letters(unicodedata.normalize("NFC", name).lower()))


def folded(name):
    """The key without the diacritics of Latin, Greek and Cyrillic letters."""
    decomposed = unicodedata.normalize("NFD", exact(name))
    plain = "".join(c for c in decomposed if not "\u0300" <= c <= "\u036f").translate(UNDECOMPOSED)
    return unicodedata.normalize("NFC", plain)


def variants(name):
    """The name, and what is left of it without a remark in brackets."""
    yield name
    short = re.sub(r"\s*[(\uff08].*[)\uff09]\s*", "", name)
    if short and short != name:
        yield short


def main():
    english = Locale("en").territories
    countries = sorted(c for c in english if re.fullmatch("[A-Z]{2}", c) and c not in NOT_COUNTRIES)
    alpha3 = {}
    for alias, codes in get_global("territory_aliases").items():
        if re.fullmatch("[A-Z]{3}", alias) and len(codes) == 1 and codes[0] in countries:
            alpha3.setdefault(codes[0], []).append(alias)
    current = {}
    for country in countries:
        candidates = [a for a in alpha3.get(country, []) if a not in FORMER]
        assert len(candidates) <= 1, (country, candidates)
        current[country] = candidates[0] if candidates else ""
    names = {}
    for language in LANGUAGES:
        for code, name in Locale.parse(language).territories.items():
            if code in countries:
                names.setdefault(code, set()).update(variants(name))
    for code, extra in EXTRA.items():
        names[code].update(extra)
    meanings = {}
    for code in countries:
        for name in names[code]:
            if name in AMBIGUOUS:
                continue
            for key in {exact(name), folded(name)}:
                # Two and three plain letters are codes: `NGA` is Nigeria, though `Nga` is Russia in Vietnamese. Only
                # names we list ourselves may be as short.
                short = len(key) <= 3 and key.isascii()
                if not short or name in EXTRA.get(code, []):
                    meanings.setdefault(key, set()).add(code)
    for key, codes in sorted(meanings.items()):
        if len(codes) > 1:
            print("left out:", key, sorted(codes), file=sys.stderr)
    print("# Generated by country_names.py from Unicode CLDR 47 (Unicode License v3, see README.md). Do not edit.")
    for code in countries:
        keys = sorted(key for key, codes in meanings.items() if codes == {code})
        print(code.lower(), current[code].lower(), " ".join(keys), sep="\t")


if __name__ == "__main__":
    main()
