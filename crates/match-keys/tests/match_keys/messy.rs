//! The contacts of `tests/data/contacts_messy.csv`, for the tests and the benchmark.

use domain::Contact;

/// All 5,000 of them, each with the number that its phone truly is: digits only, empty when there is none.
pub fn messy() -> Vec<(Contact, String)> {
    let mut reader = csv::Reader::from_reader(include_bytes!("../data/contacts_messy.csv").as_slice());
    let header = reader.headers().expect("a header").clone();
    let column = |name: &str| header.iter().position(|title| title == name).expect("a column");
    let columns = [
        "contact_id",
        "first_name",
        "last_name",
        "email",
        "phone_raw",
        "city",
        "state",
        "postal_code",
        "country",
    ]
    .map(column);
    let truth = column("phone_e164_truth");
    let contacts: Vec<_> = reader
        .records()
        .map(|record| {
            let record = record.expect("a record");
            let [id, first_name, last_name, email, phone, city, state, postal_code, country] =
                columns.map(|column| record.get(column).expect("a cell").to_owned());
            let contact = Contact {
                id,
                first_name: Some(first_name),
                last_name: Some(last_name),
                email: Some(email),
                phone: Some(phone),
                city: Some(city),
                state: Some(state),
                postal_code: Some(postal_code),
                country: Some(country),
                ..Contact::default()
            };
            (contact, record.get(truth).expect("a cell").trim_start_matches('+').to_owned())
        })
        .collect();
    assert_eq!(contacts.len(), 5000);
    contacts
}
