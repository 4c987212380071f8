//! Contacts as GoHighLevel stores them when it made the number itself, for the benchmark and for whoever does the same work
//! by other means.

use domain::Contact;

/// Their eight columns in the order of the upload.
pub fn cells(contact: &Contact) -> [String; 8] {
    let Contact { email, phone, first_name, last_name, city, state, postal_code, country, .. } =
        contact.clone();
    [email, phone, first_name, last_name, city, state, postal_code, country].map(Option::unwrap_or_default)
}

/// Made-up people of the US: 2,000 first names, 20,000 last names and 3,000 cities with four postal codes each, the first
/// ones of each list more often than the last; every address and number is of one person only.
pub fn stored(n: usize) -> Vec<Contact> {
    const STATES: [&str; 10] = ["CA", "TX", "FL", "NY", "PA", "IL", "OH", "GA", "NC", "MI"];
    let mut random = fastrand::Rng::with_seed(7);
    let mut often = |choices: usize| (random.f64().powi(2) * choices as f64) as usize;
    (0..n)
        .map(|n| {
            let (first, last, city) = (often(2_000), often(20_000), often(3_000));
            let filled = |text: String| Some(text);
            Contact {
                email: filled(format!("{}.{}{n}@example.com", word(first), word(last))),
                phone: filled(format!("+1{}{:07}", 201 + n % 700, 2_000_000 + n)),
                first_name: filled(capitalized(&word(first))),
                last_name: filled(capitalized(&word(last))),
                city: filled(format!("{} Springs", capitalized(&word(city)))),
                state: filled(STATES[city % STATES.len()].to_owned()),
                postal_code: filled(format!("{:05}", 10_000 + city * 4 + often(4))),
                country: filled("US".to_owned()),
                ..Contact::default()
            }
        })
        .collect()
}

/// A pronounceable word of its own for every number.
fn word(mut number: usize) -> String {
    const SYLLABLES: [&str; 16] = [
        "an", "ber", "cor", "da", "el", "fin", "gar", "hol", "is", "jo", "ka", "lin", "mor", "nel", "os",
        "ri",
    ];
    let mut word = String::new();
    for _ in 0..2 {
        word.push_str(SYLLABLES[number % SYLLABLES.len()]);
        number /= SYLLABLES.len();
    }
    while number > 0 {
        word.push_str(SYLLABLES[number % SYLLABLES.len()]);
        number /= SYLLABLES.len();
    }
    word
}

fn capitalized(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}
