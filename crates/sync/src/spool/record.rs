//! A spooled contact as bytes.

use super::SpooledContact;
use domain::Cents;
use domain::accounting::Bucket;
use match_keys::{Digest, Reason, Row};

/// Appends the contact to `out`.
pub(super) fn encode(contact: &SpooledContact, out: &mut Vec<u8>) {
    push_text(Some(&contact.id), out);
    for text in [&contact.email, &contact.phone, &contact.first_name, &contact.last_name, &contact.reason] {
        push_text(text.as_deref(), out);
    }
    // No country is two zeros. Its letters are not looked up again when they are read: that would cost more than all the rest.
    out.extend(contact.country.unwrap_or_default());
    push_text(contact.excluded.map(Bucket::as_str), out);
    out.push(u8::from(contact.ltv.is_some()));
    out.push(u8::from(contact.ambiguous));
    out.extend_from_slice(&contact.ltv.unwrap_or_default().0.to_le_bytes());
    out.push(u8::try_from(contact.further.len()).unwrap_or(u8::MAX));
    for row in std::iter::once(&contact.row).chain(contact.further.iter().take(usize::from(u8::MAX))) {
        push_row(row, out);
    }
    // Nothing dropped is 0, a reason is its place in `Reason::ALL` from 1 on.
    out.extend(contact.dropped.map(|reason| reason.map_or(0, |reason| reason as u8 + 1)));
}

fn push_row(row: &Row, out: &mut Vec<u8>) {
    for cell in row.cells() {
        match cell {
            None => out.push(0),
            Some(digest) => {
                out.push(1);
                out.extend_from_slice(digest.as_bytes());
            }
        }
    }
}

/// Absent text is the length `u32::MAX`.
fn push_text(text: Option<&str>, out: &mut Vec<u8>) {
    let length = text.map_or(u32::MAX, |text| u32::try_from(text.len()).unwrap_or(u32::MAX - 1));
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(text.unwrap_or_default().as_bytes());
}

/// The contact that was encoded so, or `None` when the record is damaged.
pub(super) fn decode(bytes: &[u8]) -> Option<SpooledContact> {
    let mut rest = bytes;
    let id = take_text(&mut rest)??;
    let email = take_text(&mut rest)?;
    let phone = take_text(&mut rest)?;
    let first_name = take_text(&mut rest)?;
    let last_name = take_text(&mut rest)?;
    let reason = take_text(&mut rest)?;
    let country = Some(take::<2>(&mut rest)?).filter(|letters| *letters != [0, 0]);
    let excluded = match take_text(&mut rest)? {
        None => None,
        Some(word) => Some(word.parse().ok()?),
    };
    let has_ltv = take::<1>(&mut rest)? == [1];
    let ambiguous = take::<1>(&mut rest)? == [1];
    let ltv = Cents(i64::from_le_bytes(take(&mut rest)?));
    let [further] = take::<1>(&mut rest)?;
    let row = take_row(&mut rest)?;
    let further = (0..further).map(|_| take_row(&mut rest)).collect::<Option<Vec<Row>>>()?;
    let mut dropped = [None; match_keys::SCHEMA.len()];
    for (reason, number) in dropped.iter_mut().zip(take::<{ match_keys::SCHEMA.len() }>(&mut rest)?) {
        *reason = match number.checked_sub(1) {
            None => None,
            Some(place) => Some(*Reason::ALL.get(usize::from(place))?),
        };
    }
    Some(SpooledContact {
        id,
        email,
        phone,
        country,
        first_name,
        last_name,
        ltv: has_ltv.then_some(ltv),
        ambiguous,
        excluded,
        reason,
        row,
        further,
        dropped,
    })
}

fn take_row(rest: &mut &[u8]) -> Option<Row> {
    let mut cells = [None; match_keys::SCHEMA.len()];
    for cell in &mut cells {
        if take::<1>(rest)? == [1] {
            *cell = Some(Digest::from_bytes(take(rest)?));
        }
    }
    Some(Row::from_cells(cells))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

#[expect(clippy::option_option, reason = "outside: the record is damaged; inside: the text is absent")]
fn take_text(rest: &mut &[u8]) -> Option<Option<String>> {
    let length = u32::from_le_bytes(take(rest)?);
    if length == u32::MAX {
        return Some(None);
    }
    let (head, tail) = rest.split_at_checked(length as usize)?;
    *rest = tail;
    Some(Some(String::from_utf8(head.to_vec()).ok()?))
}
