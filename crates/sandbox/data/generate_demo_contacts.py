#!/usr/bin/env python3
"""Writes demo_contacts.csv: real lifetime values of real customers, joined with people who do not exist.

    python3 generate_demo_contacts.py ltv_cdnow.csv ltv_cdnow_expected.csv > demo_contacts.csv

Deterministic. The sources are described in README.md. E-mail addresses are under example.com, .org and .net; phone
numbers come from ranges reserved for fiction (555-01xx in North America, Ofcom's and the Bundesnetzagentur's numbers for
drama), so none of them reaches anybody. Every contact carries its truth beside what was typed.
"""
import csv
import random
import sys

FIRST = """Abigail Adam Adriana Alan Alice Amanda Amir Andrea Angela Anthony Ashley Barbara Benjamin Beth Brandon Brenda Brian
Camila Carla Carol Charles Chloe Christina Craig Dana Daniel Deborah Denise Derek Diane Donna Edward Elena Eric Erin Esther Eva
Felix Frank Gabriel Gail George Gloria Grace Greg Hannah Harold Heather Helen Henry Ian Irene Isaac Jacob James Janet Jason
Jean Jennifer Jesse Joan Joel Jordan Joyce Juan Julia Karen Keith Kelly Kevin Laura Leah Leo Linda Lisa Logan Louis Lucas Lucy
Maria Mark Martha Mason Megan Michael Monica Nancy Natalie Nathan Nicole Nina Noah Olga Oliver Olivia Omar Oscar Pamela Patrick
Paul Peter Priya Rachel Ralph Raymond Rebecca Robert Rosa Russell Ruth Ryan Samuel Sandra Sarah Scott Sean Sharon Sofia Stephen
Susan Teresa Thomas Tina Tyler Valerie Victor Virginia Walter Wayne Wendy William Yolanda Zoe""".split()
FANCY_FIRST = ["Chloé", "Renée", "José", "Zoë", "Mary Ann", "Jean-Luc", "Søren", "Núria", "D'Andre", "Björn"]
LAST = """Adams Allen Anderson Bailey Baker Barnes Bell Bennett Brooks Brown Bryant Butler Campbell Carter Castillo Chen Clark
Coleman Collins Cooper Cox Cruz Davis Diaz Edwards Evans Fisher Flores Ford Foster Garcia Gibson Gomez Gonzalez Graham Gray
Green Griffin Hall Hamilton Harris Harrison Hayes Henderson Hernandez Hill Howard Hughes Jackson James Jenkins Johnson Jones
Jordan Kelly Kennedy Kim King Lee Lewis Long Lopez Marshall Martin Martinez Mason McDonald Miller Mitchell Moore Morales Morgan
Morris Murphy Murray Myers Nelson Nguyen Ortiz Owens Parker Patel Patterson Perez Perry Peterson Phillips Powell Price Ramirez
Reed Reyes Reynolds Richardson Rivera Roberts Robinson Rodriguez Rogers Ross Russell Sanchez Sanders Scott Shaw Simmons Smith
Stewart Sullivan Taylor Thomas Thompson Torres Tucker Turner Walker Wallace Ward Washington Watson West White Williams Wilson
Wood Wright Young""".split()
FANCY_LAST = ["O'Brien", "Smith-Jones", "de la Cruz", "Müller", "García", "van Dyke", "St. John", "Nuñez", "Williams Jr."]

US = [("New York", "NY", "New York", "100"), ("Los Angeles", "CA", "California", "900"), ("Chicago", "IL", "Illinois", "606"),
      ("Houston", "TX", "Texas", "770"), ("Phoenix", "AZ", "Arizona", "850"), ("Philadelphia", "PA", "Pennsylvania", "191"),
      ("San Antonio", "TX", "Texas", "782"), ("San Diego", "CA", "California", "921"), ("Dallas", "TX", "Texas", "752"),
      ("Saint Paul", "MN", "Minnesota", "551"), ("Boston", "MA", "Massachusetts", "021"), ("Seattle", "WA", "Washington", "981"),
      ("Winston-Salem", "NC", "North Carolina", "271"), ("Portland", "OR", "Oregon", "972"), ("Denver", "CO", "Colorado", "802"),
      ("Atlanta", "GA", "Georgia", "303"), ("Miami", "FL", "Florida", "331"), ("Detroit", "MI", "Michigan", "482"),
      ("Newark", "NJ", "New Jersey", "071"), ("Nashville", "TN", "Tennessee", "372")]
US_AREA = [202, 203, 206, 212, 213, 214, 215, 216, 303, 305, 312, 313, 314, 404, 407, 408, 410, 412, 415, 503, 504, 512, 602, 612,
           615, 617, 619, 702, 703, 704, 713, 718, 773, 801, 804, 813, 816, 818, 901, 913, 916, 917]
CA = [("Toronto", "ON", "Ontario", "M5V 2T6", 416), ("Vancouver", "BC", "British Columbia", "V6B 1A1", 604),
      ("Calgary", "AB", "Alberta", "T2P 1J9", 403), ("Ottawa", "ON", "Ontario", "K1P 5M7", 613)]
GB = [("London", "", "England", "SW1A 1AA", "20", "7946 0"), ("Manchester", "", "England", "M1 1AE", "161", "496 0"),
      ("Edinburgh", "", "Scotland", "EH1 1YZ", "131", "496 0"), ("Birmingham", "", "England", "B1 1HQ", "121", "496 0")]
DE = [("Berlin", "BE", "Berlin", "10115", "30", "23125"), ("München", "BY", "Bayern", "80331", "89", "99998"),
      ("Hamburg", "HH", "Hamburg", "20095", "40", "66969")]
COUNTRY = {"us": ["US"] * 12 + ["USA", "United States", "us", ""], "ca": ["CA", "CA", "Canada"],
           "gb": ["GB", "GB", "UK", "United Kingdom"], "de": ["DE", "DE", "Germany"]}
COLUMNS = ["contact_id", "customer_id", "first_name", "last_name", "email", "email_truth", "phone_raw", "phone_e164_truth", "city",
           "state", "postal_code", "country", "country_truth", "tags", "dnd", "ltv_raw", "ltv_type", "ltv_expected", "ltv_bucket",
           "expected_percentile", "notes_value"]

pick = random.Random(1998)


def north_american(area, line):
    typed = pick.choice(["({a}) 555-{n}", "({a})555-{n}", "{a}-555-{n}", "{a}.555.{n}", "{a} 555 {n}", "{a}555{n}", "+1{a}555{n}",
                         "+1 {a}-555-{n}", "+1 ({a}) 555-{n}", "1-{a}-555-{n}", " ({a}) 555-{n} ", "+1{a}555{n}"])
    n = f"01{line:02}"
    return typed.format(a=area, n=n), f"+1{area}555{n}"


def european(code, area, local):
    digits = local.replace(" ", "")
    typed = pick.choice(["+{c} {a} {l}", "+{c}{a}{d}", "0{a} {l}", "(0{a}) {l}", "0{a}/{d}" if code == 49 else "0{a}-{d}",
                         "00{c} {a} {l}", "+{c} (0) {a} {l}"])
    return typed.format(c=code, a=area, l=local, d=digits), f"+{code}{area}{digits}"


def place(used):
    """Country truth, city, state, zip as typed, phone as typed, phone truth."""
    kind = pick.random()
    while True:
        if kind < 0.92:
            city, code, name, prefix = pick.choice(US)
            zip_code = prefix + f"{pick.randrange(1, 99):02}" + pick.choice(["", "", "", f"-{pick.randrange(1000, 9999)}"])
            typed, truth = north_american(pick.choice(US_AREA), pick.randrange(100))
            country = "us"
        elif kind < 0.96:
            city, code, name, zip_code, area = pick.choice(CA)
            typed, truth = north_american(area, pick.randrange(100))
            country = "ca"
        elif kind < 0.985:
            city, code, name, zip_code, area, local = pick.choice(GB)
            typed, truth = european(44, area, local + f"{pick.randrange(1000):03}")
            country = "gb"
        else:
            city, code, name, zip_code, area, local = pick.choice(DE)
            typed, truth = european(49, area, local + f"{pick.randrange(1000):03}")
            country = "de"
        if truth not in used:
            used.add(truth)
            break
    state = pick.choice([code, code, name, code.lower(), ""])
    city = pick.choice([city, city, city, city.upper(), city.lower(), f" {city}"])
    return country, city, state, pick.choice([zip_code, zip_code, zip_code, zip_code.lower(), ""]), typed, truth


def plain(name):
    return "".join(c for c in name.lower().replace("é", "e").replace("ë", "e").replace("ø", "o").replace("ö", "o").replace("ü", "u")
                   .replace("ú", "u").replace("í", "i").replace("ñ", "n") if c.isalnum() and c.isascii())


def identifier(number):
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    return f"Cd{number:05}" + "".join(pick.choice(letters) for _ in range(13))


def typed_email(email):
    return pick.choice([email] * 12 + [email.upper(), f" {email}", f"{email} ", email.title()])


def typed_ltv(amount):
    """Mostly a JSON number, some as text the way people type money."""
    kind = pick.random()
    if kind < 0.88:
        return amount, "number"
    whole, cents = amount.split(".")
    return pick.choice([amount, f"${amount}", f"${int(whole):,}.{cents}", f"{amount} USD", f" {amount} "]), "string"


def main():
    customers = list(csv.DictReader(open(sys.argv[1], encoding="utf-8")))
    expected = {row["customer_id"]: row for row in csv.DictReader(open(sys.argv[2], encoding="utf-8"))}
    chosen = pick.sample(range(len(customers)), 12 + 25 + 10 + 6)
    one_channel, opted_out = set(chosen[:12]), set(chosen[12:37])
    nobody, pairs = set(chosen[37:47]), sorted(chosen[47:])
    twins = {pairs[1]: pairs[0], pairs[3]: pairs[2], pairs[5]: pairs[4]}
    rows, used = [], set()
    for number, customer in enumerate(customers):
        first = pick.choice(FANCY_FIRST) if pick.random() < 0.04 else pick.choice(FIRST)
        last = pick.choice(FANCY_LAST) if pick.random() < 0.04 else pick.choice(LAST)
        domain = pick.choice(["example.com", "example.com", "example.org", "example.net"])
        email = f"{plain(first)}.{plain(last)}{number}@{domain}"
        country, city, state, zip_code, phone_typed, phone = place(used)
        kind = pick.random()
        typed = typed_email(email)
        if number in pairs:
            pass  # a pair needs both
        elif kind < 0.04:
            email = typed = ""
        elif kind < 0.19:
            phone = phone_typed = ""
        row = {"contact_id": identifier(number), "customer_id": customer["customer_id"], "first_name": first, "last_name": last,
               "email": typed, "email_truth": email, "phone_raw": phone_typed, "phone_e164_truth": phone}
        if number in nobody:
            row |= {"email": pick.choice(["none", "n/a", "no email", "noemail@", ""]), "email_truth": "",
                    "phone_raw": pick.choice(["", "n/a", "000", "555-0100 (wrong?)", "ask"]), "phone_e164_truth": ""}
        if number in twins:
            other = rows[twins[number]]
            row |= {"first_name": other["first_name"], "last_name": other["last_name"], "email": other["email_truth"].upper(),
                    "email_truth": other["email_truth"], "phone_raw": other["phone_e164_truth"],
                    "phone_e164_truth": other["phone_e164_truth"]}
            country = other["country_truth"]
        raw, kind_of_ltv = typed_ltv(customer["ltv"])
        tags = ["customer"] + (["vip"] if float(customer["ltv"]) >= 200 else []) + (["newsletter"] if pick.random() < 0.4 else [])
        dnd = "all" if number in opted_out else pick.choice(["SMS", "Call", "SMS;Call"]) if number in one_channel else ""
        row |= {"city": city, "state": state, "postal_code": zip_code, "country": pick.choice(COUNTRY[country]),
                "country_truth": country, "tags": ";".join(tags), "dnd": dnd, "ltv_raw": raw, "ltv_type": kind_of_ltv,
                "ltv_expected": f"{int(expected[customer['customer_id']]['ltv_cents']) / 100:.2f}", "ltv_bucket": "ok",
                "expected_percentile": expected[customer["customer_id"]]["percentile"],
                "notes_value": pick.choice(["", "", "", "", "prefers jazz", "asked for a catalogue", "1,250 (estimate)"])}
        rows.append(row)
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


if __name__ == "__main__":
    main()
