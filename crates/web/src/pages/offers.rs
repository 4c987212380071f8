//! The lists and fields that the configuration offers, of which one is selected.

use super::choice::Chosen;
use crate::wording::contacts;
use sync::{ListInfo, ValueField, find_field};

/// One line of a select element.
pub(super) struct Offer {
    pub(super) value: String,
    pub(super) text: String,
    pub(super) selected: bool,
}

/// The lists to choose from; `None` while GoHighLevel is silent.
pub(super) fn list_offers(lists: Option<Vec<ListInfo>>, chosen: Option<Chosen>) -> Vec<Offer> {
    let known = lists.is_some();
    let offer = |list: ListInfo| {
        let text = match list.contacts {
            Some(count) => format!("{} ({})", list.name, contacts(count)),
            None => list.name,
        };
        Offer { value: list.id, text, selected: false }
    };
    with_selection(
        lists.unwrap_or_default().into_iter().map(offer).collect(),
        chosen,
        known,
        "Choose a Smart List",
    )
}

/// The fields to choose from; `None` while GoHighLevel is silent.
pub(super) fn field_offers(fields: Option<Vec<ValueField>>, chosen: Option<Chosen>) -> Vec<Offer> {
    let known = fields.is_some();
    let fields = fields.unwrap_or_default();
    // The environment may name a field by its id or its name.
    let chosen = chosen.map(|chosen| match find_field(&fields, &chosen.value) {
        Ok(field) => Chosen { value: field.key, name: Some(field.name) },
        Err(_unknown) => chosen,
    });
    let offer = |field: ValueField| {
        let text = format!("{} ({})", field.name, field.key);
        Offer { value: field.key, text, selected: false }
    };
    with_selection(fields.into_iter().map(offer).collect(), chosen, known, "Choose a field")
}

/// What is chosen stays selectable, even when GoHighLevel is silent or no longer has it.
fn with_selection(mut offers: Vec<Offer>, chosen: Option<Chosen>, known: bool, prompt: &str) -> Vec<Offer> {
    let selected = match chosen {
        None => Offer { value: String::new(), text: prompt.to_owned(), selected: true },
        Some(chosen) => {
            if let Some(offer) = offers.iter_mut().find(|offer| offer.value == chosen.value) {
                offer.selected = true;
                return offers;
            }
            let name = chosen.name.unwrap_or_else(|| chosen.value.clone());
            let text = if known { format!("{name} (not in GoHighLevel now)") } else { name };
            Offer { value: chosen.value, text, selected: true }
        }
    };
    offers.insert(0, selected);
    offers
}

#[cfg(test)]
mod tests {
    use super::{Chosen, Offer, field_offers, list_offers};
    use sync::{ListInfo, ValueField};

    fn lists() -> Vec<ListInfo> {
        let list = |id: &str, name: &str, contacts| ListInfo {
            id: id.into(),
            name: name.into(),
            contacts,
            conditions: None,
        };
        vec![list("all", "All contacts", Some(2357)), list("tag:vip", "Tag: vip", None)]
    }

    fn chosen(value: &str, name: Option<&str>) -> Option<Chosen> {
        Some(Chosen { value: value.into(), name: name.map(str::to_owned) })
    }

    fn shown(offers: &[Offer]) -> Vec<(&str, &str, bool)> {
        offers.iter().map(|offer| (offer.value.as_str(), offer.text.as_str(), offer.selected)).collect()
    }

    #[test]
    fn what_is_chosen_stays_selectable() {
        let (all, vip) = (("all", "All contacts (2,357 contacts)", false), ("tag:vip", "Tag: vip", false));
        let nothing = list_offers(Some(lists()), None);
        assert_eq!(shown(&nothing), [("", "Choose a Smart List", true), all, vip]);
        let found = list_offers(Some(lists()), chosen("tag:vip", None));
        assert_eq!(shown(&found), [all, ("tag:vip", "Tag: vip", true)]);
        let gone = list_offers(Some(lists()), chosen("tag:old", Some("Tag: old")));
        assert_eq!(shown(&gone), [("tag:old", "Tag: old (not in GoHighLevel now)", true), all, vip]);
        let silent = list_offers(None, chosen("tag:old", Some("Tag: old")));
        assert_eq!(shown(&silent), [("tag:old", "Tag: old", true)]);
    }

    #[test]
    fn a_field_of_the_environment_is_found_by_key_id_or_name() {
        let field = ValueField {
            id: "f1".into(),
            key: "contact.lifetime_value".into(),
            name: "Lifetime Value".into(),
            data_type: "MONETORY".into(),
        };
        for wanted in ["contact.lifetime_value", "f1", "lifetime value"] {
            let offers = field_offers(Some(vec![field.clone()]), chosen(wanted, None));
            let text = "Lifetime Value (contact.lifetime_value)";
            assert_eq!(shown(&offers), [("contact.lifetime_value", text, true)], "{wanted}");
        }
    }
}
