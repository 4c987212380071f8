//! Contacts made up on the fly: contact `i` is a pure function of `i`, so any number of them takes no memory.

use serde_json::{Map, Value, json};

use super::{Contact, FIELD_LTV, FIELD_NOTES, Known, TrueLtv, mix};

const FIRST: [&str; 24] = [
    "Mary", "James", "Linda", "Robert", "Aisha", "David", "Chloé", "Daniel", "Emma", "Carlos", "Sofia",
    "Ethan", "Grace", "Noah", "Priya", "Lucas", "Hannah", "Omar", "Julia", "Peter", "Renée", "Marcus",
    "Yuki", "Samuel",
];
const LAST: [&str; 24] = [
    "Smith", "Johnson", "Garcia", "Brown", "Miller", "O'Brien", "Davis", "Nguyen", "Martinez", "Wilson",
    "Anderson", "Thomas", "Müller", "Moore", "Jackson", "Lee", "Peterson", "White", "Harris", "Clark",
    "Lewis", "Young", "Walker", "Hall",
];
const PLACES: [(&str, &str, &str); 12] = [
    ("New York", "NY", "10001"),
    ("Los Angeles", "California", "90012"),
    ("Chicago", "IL", "60601"),
    ("Houston", "TX", "77002"),
    ("Phoenix", "Arizona", "85004-1234"),
    ("Philadelphia", "PA", "19103"),
    ("San Antonio", "TX", "78205"),
    ("San Diego", "ca", "92101"),
    ("Dallas", "Texas", "75201"),
    ("Saint Paul", "MN", "55101"),
    ("Boston", "MA", "02108"),
    ("Seattle", "WA", "98101"),
];
/// Area codes in use in the United States; with the exchange 555, two million numbers that nobody has.
const AREA_CODES: [u16; 200] = [
    201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228, 229,
    231, 234, 239, 240, 248, 251, 252, 253, 254, 256, 260, 262, 267, 269, 270, 276, 281, 301, 302, 303, 304,
    305, 307, 308, 309, 310, 312, 313, 314, 315, 316, 317, 318, 319, 320, 321, 323, 325, 330, 334, 336, 337,
    339, 347, 351, 352, 360, 361, 386, 401, 402, 404, 405, 406, 407, 408, 409, 410, 412, 413, 414, 415, 417,
    419, 423, 424, 425, 432, 434, 440, 443, 469, 478, 479, 480, 484, 501, 502, 503, 504, 505, 507, 508, 509,
    510, 512, 513, 515, 516, 517, 518, 520, 530, 540, 541, 551, 559, 561, 562, 563, 567, 570, 571, 573, 574,
    575, 580, 585, 586, 601, 602, 603, 605, 606, 607, 608, 609, 610, 612, 614, 615, 616, 617, 618, 619, 620,
    623, 626, 630, 631, 636, 641, 646, 650, 651, 660, 661, 662, 678, 682, 701, 702, 703, 704, 706, 707, 708,
    712, 713, 714, 715, 716, 717, 718, 719, 720, 724, 727, 731, 732, 734, 740, 754, 757, 760, 763, 765, 770,
    772, 773, 774, 775, 781, 785, 786, 801, 802, 803, 804,
];

/// Where everybody lives: ISO 3166 alpha-2, lower case.
pub(super) const COUNTRY: [u8; 2] = *b"us";

/// When the first contact was added: 2024-01-01.
const FIRST_ADDED: i64 = 1_704_067_200_000;
/// The account filled up over this time, however many contacts it has: 600 days.
const ADDED_OVER: i64 = 600 * 86_400_000;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Characters of an id that carry the index.
const INDEX_DIGITS: usize = 7;

/// Contact `index` of `n`.
pub(super) fn generated(index: u32, n: u32) -> Known {
    let seed = mix(u64::from(index));
    let pick = |salt: u64, of: usize| usize::try_from(mix(seed ^ salt) % of as u64).unwrap_or(0);
    let per_mille = |salt: u64| mix(seed ^ salt) % 1000;
    let (first, last) = (FIRST[pick(1, FIRST.len())], LAST[pick(2, LAST.len())]);
    let (city, state, zip) = PLACES[pick(3, PLACES.len())];
    let dnd = per_mille(4) < 10;
    let (email, typed_email, phone_digits, typed_phone) = identifiers(index, seed, first, last);
    let (ltv, typed_ltv) = lifetime_value(seed);
    let added = added_at(index, n);
    let mut tags = vec!["customer".to_owned()];
    if index.is_multiple_of(8) {
        tags.push("vip".to_owned());
    }
    let mut custom_fields = Vec::new();
    if let Some(value) = typed_ltv {
        custom_fields.push((FIELD_LTV.to_owned(), value));
    }
    if per_mille(5) < 100 {
        custom_fields.push((FIELD_NOTES.to_owned(), json!("met at the shop")));
    }
    let contact = Contact {
        id: id_of(index),
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        email: typed_email,
        phone: typed_phone,
        city: city.to_owned(),
        state: state.to_owned(),
        postal_code: zip.to_owned(),
        country: "US".to_owned(),
        source: "import".to_owned(),
        tags,
        dnd,
        dnd_settings: if dnd { all_channels() } else { Map::new() },
        custom_fields,
        date_added: Some(added),
        date_updated: added + 1000,
        ..Contact::default()
    };
    let filled = |truth: String| if truth.is_empty() { Vec::new() } else { vec![truth] };
    Known {
        contact,
        emails: filled(email),
        phones: filled(phone_digits),
        known_to_meta: None,
        country: COUNTRY,
        ltv,
        expected_percentile: None,
    }
}

/// When contact `index` of `n` was added: never before the one in front of it, and three at a time.
pub(super) fn added_at(index: u32, n: u32) -> i64 {
    FIRST_ADDED + i64::from(index / 3) * 3 * (ADDED_OVER / i64::from(n.max(1)))
}

/// E-mail truth, e-mail as typed, phone truth, phone as typed.
fn identifiers(index: u32, seed: u64, first: &str, last: &str) -> (String, String, String, String) {
    let kind = mix(seed ^ 6) % 1000;
    if kind < 5 {
        return (String::new(), "none".to_owned(), String::new(), "ask".to_owned());
    }
    let ascii =
        |name: &str| name.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase();
    let email = format!("{}.{}{index}@example.com", ascii(first), ascii(last));
    let typed_email = match kind % 20 {
        0 => email.to_uppercase(),
        1 => format!(" {email} "),
        _ => email.clone(),
    };
    let area = AREA_CODES[index as usize % AREA_CODES.len()];
    let line = index / 200 + 100; // the first 20,000 are 555-01xx
    if kind < 200 || line > 9999 {
        return (email, typed_email, String::new(), String::new());
    }
    let phone = format!("1{area}555{line:04}");
    let typed_phone = match kind % 5 {
        0 => format!("({area}) 555-{line:04}"),
        1 => format!("{area}.555.{line:04}"),
        2 => format!("+1 {area} 555 {line:04}"),
        _ => format!("+{phone}"),
    };
    if kind < 230 {
        return (String::new(), String::new(), phone, typed_phone);
    }
    (email, typed_email, phone, typed_phone)
}

fn lifetime_value(seed: u64) -> (TrueLtv, Option<Value>) {
    let kind = mix(seed ^ 7) % 1000;
    if kind < 20 {
        return (TrueLtv::Missing, None);
    }
    if kind < 25 {
        return (TrueLtv::Bad, Some(json!("#REF!")));
    }
    // Twelve uniform numbers add up to a nearly normal one; its exponential is nearly log-normal.
    let sum: u64 = (0..12).map(|salt| mix(seed ^ (100 + salt)) >> 44).sum();
    let normal = sum as f64 / f64::from(1 << 20) - 6.0;
    let cents = ((8.5 + 1.2 * normal).exp() as i64).min(9_999_999_999);
    let amount = format!("{}.{:02}", cents / 100, cents % 100);
    let typed = match kind % 10 {
        0 => json!(format!("${amount}")),
        _ => amount.parse::<f64>().map_or_else(|_| json!(amount), Value::from),
    };
    (TrueLtv::Cents(cents), Some(typed))
}

pub(super) fn all_channels() -> Map<String, Value> {
    let active = json!({"status": "active", "message": "", "code": ""});
    ["Call", "Email", "SMS", "WhatsApp", "GMB", "FB"]
        .map(|name| (name.to_owned(), active.clone()))
        .into_iter()
        .collect()
}

/// 20 letters and digits like a Firestore id; the first ones carry the index.
fn id_of(index: u32) -> String {
    let mut id = [b'0'; 20];
    let mut rest = u64::from(index);
    for place in (0..INDEX_DIGITS).rev() {
        id[place] = DIGITS[usize::try_from(rest % 62).unwrap_or(0)];
        rest /= 62;
    }
    let mut noise = mix(u64::from(index) ^ 0x1d);
    for place in &mut id[INDEX_DIGITS..] {
        *place = DIGITS[usize::try_from(noise % 62).unwrap_or(0)];
        noise = mix(noise);
    }
    id.iter().map(|byte| char::from(*byte)).collect()
}

/// The index an id carries, if it is one of ours.
pub(super) fn index_of_id(id: &str) -> Option<u32> {
    let digits = id.as_bytes().get(..INDEX_DIGITS)?;
    let place = |byte: u8| DIGITS.iter().position(|digit| *digit == byte).map(|at| at as u64);
    let index = digits.iter().try_fold(0, |sum: u64, byte| Some(sum * 62 + place(*byte)?))?;
    u32::try_from(index).ok().filter(|index| id_of(*index) == id)
}
