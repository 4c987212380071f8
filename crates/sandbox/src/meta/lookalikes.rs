//! Lookalike audiences (meta-api §5).

use serde::Deserialize;
use serde_json::{Value, json};

use super::audience::{Audience, Kind, MINIMUM, Size};
use super::call::Call;
use super::errors::GraphError;
use super::{Account, Instants};
use crate::people::Population;

/// What a lookalike was made of.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Lookalike {
    pub origin: u64,
    /// Follows the seed.
    pub value_based: bool,
    kind: &'static str,
    /// In hundredths.
    percent: u32,
    starting_percent: Option<u32>,
    /// Upper-case ISO codes, sorted.
    countries: Vec<String>,
}

impl Lookalike {
    /// Two lookalikes of the same people: what Meta calls a duplicate.
    fn same_people(&self, other: &Self) -> bool {
        (self.origin, self.percent, self.starting_percent, &self.countries)
            == (other.origin, other.percent, other.starting_percent, &other.countries)
    }

    /// How many people it holds: its share of those countries' users, in round numbers.
    pub fn people(&self) -> u64 {
        let users = |country: &String| match country.as_str() {
            "US" => 240_000_000,
            "BR" | "IN" | "ID" | "MX" => 110_000_000,
            "GB" | "DE" | "FR" | "IT" => 45_000_000,
            "CA" | "AU" | "ES" | "PL" => 25_000_000,
            _ => 8_000_000_u64,
        };
        let share = self.percent - self.starting_percent.unwrap_or(0);
        self.countries.iter().map(users).sum::<u64>() * u64::from(share) / 100
    }

    /// As `lookalike_spec` reads.
    pub fn json(&self, seed: Option<&Audience>) -> Value {
        let deleted = seed.is_none_or(|seed| seed.deleted);
        let name = seed.map(|seed| seed.name.as_str());
        let mut spec = json!({
            "type": self.kind,
            "ratio": f64::from(self.percent) / 100.0,
            "origin": [{"id": self.origin.to_string(), "name": name, "type": "custom_audience", "deleted": deleted}],
            "target_countries": self.countries,
        });
        if let [country] = self.countries.as_slice() {
            spec["country"] = json!(country);
        }
        if let Some(percent) = self.starting_percent {
            spec["starting_ratio"] = json!(f64::from(percent) / 100.0);
        }
        spec
    }
}

/// `lookalike_spec` as sent. A key that Meta does not document here is refused, so that a slip shows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    #[serde(rename = "type")]
    kind: Option<String>,
    ratio: Option<f64>,
    starting_ratio: Option<f64>,
    country: Option<String>,
    location_spec: Option<LocationSpec>,
    #[serde(default)]
    allow_international_seeds: bool,
}

#[derive(Deserialize)]
struct LocationSpec {
    geo_locations: GeoLocations,
}

#[derive(Deserialize)]
struct GeoLocations {
    countries: Vec<String>,
}

/// Builds the lookalike a call describes.
///
/// # Errors
/// 100 for a malformed description or a restricted seed, 2654 for one that Meta can not or will not build.
pub(super) fn describe(
    call: &Call,
    account: &Account,
    population: &Population,
    at: Instants,
) -> Result<Lookalike, GraphError> {
    let seed = seed(call, account)?;
    if !seed.flagged(at, &account.settings).is_empty() {
        let message = "The seed audience you selected cannot be used to create a lookalike audience because it has \
                       integrity restrictions. Please use a different seed audience";
        return Err(
            GraphError::invalid("origin_audience_id", "Seed audience restricted", message).sub(1_713_232)
        );
    }
    let text = call.required("lookalike_spec")?;
    let Ok(spec) = serde_json::from_str::<Spec>(text) else {
        return Err(cannot_create("Invalid lookalike", "lookalike_spec: type mismatch, got NULL"));
    };
    let (kind, percent) = kind_and_percent(&spec)?;
    let value_based = seed.list().is_some_and(|list| list.value_based);
    let countries = countries(&spec)?;
    let starting_percent = spec.starting_ratio.map(percent_of).transpose()?;
    if starting_percent.is_some_and(|start| start >= percent) {
        return Err(GraphError::parameter("lookalike_spec", "starting_ratio must be less than ratio"));
    }
    let lookalike = Lookalike { origin: seed.id, value_based, kind, percent, starting_percent, countries };
    let fetch = account.settings.fetch_or_create && call.flag("enable_fetch_or_create")?;
    let duplicate = account
        .lookalikes_of(seed.id)
        .filter_map(Audience::lookalike)
        .any(|other| other.same_people(&lookalike));
    if duplicate && !fetch {
        let message = "You've already created a lookalike audience with the same source, country and size. Please \
                       choose a different source, country or size.";
        return Err(cannot_create("Can't Create a Duplicate Lookalike", message).sub(1_713_007));
    }
    let size = seed.size(population, at, &account.settings)?;
    if in_reach(&size, &lookalike, spec.allow_international_seeds) < MINIMUM {
        let message = "There aren't enough people in your source in the country you chose. Please choose a country that \
                       includes at least 100 people in your source.";
        return Err(cannot_create("Source Audience is Too Small", message));
    }
    Ok(lookalike)
}

/// An existing lookalike of the same people.
pub(super) fn existing(account: &Account, lookalike: &Lookalike) -> Option<u64> {
    let same = |audience: &&Audience| audience.lookalike().is_some_and(|other| other.same_people(lookalike));
    account.living().find(same).map(|audience| audience.id)
}

fn cannot_create(title: &'static str, message: &str) -> GraphError {
    GraphError::new(2654, title, message)
}

fn seed<'a>(call: &Call, account: &'a Account) -> Result<&'a Audience, GraphError> {
    let id = call.required("origin_audience_id")?;
    let wrong = |message: &str| GraphError::parameter("origin_audience_id", message);
    let seed = id.parse().ok().and_then(|id| account.audiences.get(&id)).filter(|seed| !seed.deleted);
    match seed {
        None => Err(wrong("origin_audience_id is not an audience of this ad account")),
        Some(Audience { kind: Kind::Lookalike(_), .. }) => {
            Err(wrong("A lookalike can't be the source of a lookalike"))
        }
        Some(seed) => Ok(seed),
    }
}

/// With `similarity` and `reach` the ratio is fixed and a given one is ignored.
fn kind_and_percent(spec: &Spec) -> Result<(&'static str, u32), GraphError> {
    match (spec.kind.as_deref(), spec.ratio) {
        (Some("similarity"), _) => Ok(("similarity", 1)),
        (Some("reach"), _) => Ok(("reach", 5)),
        (None | Some("custom_ratio"), Some(ratio)) => Ok(("custom_ratio", percent_of(ratio)?)),
        _ => Err(GraphError::parameter("lookalike_spec", "lookalike_spec needs either a type or a ratio")),
    }
}

fn percent_of(ratio: f64) -> Result<u32, GraphError> {
    let percent = (ratio * 100.0).round();
    if (1.0..=20.0).contains(&percent) && (ratio * 100.0 - percent).abs() < 1e-6 {
        return Ok(percent as u32);
    }
    Err(GraphError::parameter("lookalike_spec", "ratio must be from 0.01 to 0.20 in steps of 0.01"))
}

fn countries(spec: &Spec) -> Result<Vec<String>, GraphError> {
    let mut countries = match (&spec.country, &spec.location_spec) {
        (Some(country), None) => vec![country.clone()],
        (None, Some(location)) => location.geo_locations.countries.clone(),
        _ => Vec::new(),
    };
    countries.sort();
    countries.dedup();
    let iso = |country: &String| country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
    if countries.is_empty() || !countries.iter().all(iso) {
        let message = "lookalike_spec needs either country or location_spec, with ISO 3166 codes in capitals";
        return Err(GraphError::parameter("lookalike_spec", message));
    }
    Ok(countries)
}

/// The most matched people of one target country; of any country when international seeds are allowed.
fn in_reach(size: &Size, lookalike: &Lookalike, international: bool) -> u32 {
    if international {
        return size.matched;
    }
    let people = |country: &String| {
        let code = country.to_lowercase();
        code.as_bytes()
            .try_into()
            .ok()
            .and_then(|code: [u8; 2]| size.by_country.get(&code))
            .copied()
            .unwrap_or(0)
    };
    lookalike.countries.iter().map(people).max().unwrap_or(0)
}
