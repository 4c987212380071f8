//! Lookalike audiences of a seed.

use crate::audience::created_id;
use crate::client::{Call, MetaClient, Verb};
use crate::error::MetaError;
use crate::reply;
use crate::wire::Scalar;
use domain::Cancel;
use serde::Deserialize;

/// Same source, country and size.
const DUPLICATE: u64 = 1_713_007;
/// The login may not write.
const NO_PERMISSION: u64 = 1_713_092;

/// A lookalike to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLookalike {
    /// Shown in Ads Manager.
    pub name: String,
    /// Carries the tag by which it is found again.
    pub description: String,
    /// The seed. When it is value-based, so is the lookalike.
    pub origin_audience_id: String,
    /// ISO 3166-1 alpha-2, upper case.
    pub country: String,
    /// Size in percent of the country's population, 1 to 20.
    pub ratio_percent: u8,
}

/// How the creation ended, other than by an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookalikeOutcome {
    /// It exists; its id. Meta fills it over the next hours.
    Created(String),
    /// The seed holds fewer than 100 matched people of the country, which is also Meta's answer while it is still
    /// matching the seed: try again in an hour, up to a day.
    SeedNotReady {
        /// Meta's own words, shortened and cleaned. Hostile input: escape it.
        message: String,
    },
    /// One of the same seed, country and size exists: find it with [`MetaClient::lookalikes_of`].
    Exists,
}

/// An existing lookalike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookalikeSummary {
    /// Meta's id, digits.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// Its country when it has exactly one.
    pub country: Option<String>,
    /// Its size in percent; `None` for bands such as 1-2 % and for sizes that are not whole percents.
    pub ratio_percent: Option<u8>,
}

#[derive(Deserialize)]
struct Origin {
    lookalike_audience_ids: Option<Vec<Scalar>>,
}

#[derive(Deserialize)]
struct LookalikeBody {
    name: Option<String>,
    description: Option<String>,
    lookalike_spec: Option<Spec>,
}

#[derive(Deserialize)]
struct Spec {
    country: Option<String>,
    ratio: Option<Scalar>,
    starting_ratio: Option<Scalar>,
    target_countries: Option<Vec<String>>,
}

impl MetaClient {
    /// Creates a lookalike. <https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/lookalike-audiences>
    ///
    /// The spec carries `ratio` and `country` and no `type`: Meta asks for one or the other, ignores the ratio beside
    /// `similarity` and `reach`, and derives `custom_ratio` from a ratio by itself. Meta refuses a second lookalike of the
    /// same seed, country and size, so passing errors and lost replies are repeated; one that had been carried out ends as
    /// [`LookalikeOutcome::Exists`].
    ///
    /// Of code 2654 only the subcodes for duplicates and for permissions are known; every other 2654 reads as a seed that
    /// is not ready, because the message must not decide. A refusal for another reason therefore stays pending until the
    /// caller gives up, with Meta's words at hand.
    ///
    /// # Errors
    /// [`MetaError`].
    pub fn create_lookalike(
        &self,
        new: &NewLookalike,
        cancel: &Cancel,
    ) -> Result<LookalikeOutcome, MetaError> {
        let operation = "create the lookalike";
        let invalid = |what| Err(MetaError::InvalidInput { operation, what });
        if new.country.len() != 2 || !new.country.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return invalid("the country is not a two-letter code in upper case");
        }
        if !(1..=20).contains(&new.ratio_percent) {
            return invalid("the size is not between 1 and 20 percent");
        }
        let spec = format!(r#"{{"ratio":0.{:02},"country":"{}"}}"#, new.ratio_percent, new.country);
        let body = self.signed_body([
            ("name", new.name.as_str().into()),
            ("description", new.description.as_str().into()),
            ("subtype", "LOOKALIKE".into()),
            ("origin_audience_id", new.origin_audience_id.as_str().into()),
            ("lookalike_spec", spec.into()),
        ]);
        let path = format!("{}/customaudiences", self.ad_account_id());
        let call = Call { operation, path: &path, query: Vec::new(), verb: Verb::Post(&[&body]) };
        match self.call(&call, cancel).and_then(|body| created_id(body, operation)) {
            Ok(id) => Ok(LookalikeOutcome::Created(id)),
            Err(MetaError::Api(error)) if error.code == 2654 => match error.subcode {
                Some(DUPLICATE) => Ok(LookalikeOutcome::Exists),
                Some(NO_PERMISSION) => Err(MetaError::Api(error)),
                _ => Ok(LookalikeOutcome::SeedNotReady { message: error.own_words() }),
            },
            Err(error) => Err(error),
        }
    }

    /// The lookalikes made from a seed: the seed names their ids, each is read. GETs, repeated after passing errors; one
    /// that was deleted in between is left out.
    ///
    /// # Errors
    /// [`MetaError`].
    pub fn lookalikes_of(
        &self,
        origin_id: &str,
        cancel: &Cancel,
    ) -> Result<Vec<LookalikeSummary>, MetaError> {
        let operation = "read the lookalikes of the audience";
        let get = |path: &str, fields: &str| {
            let query = vec![("fields", fields.to_owned())];
            self.call(&Call { operation, path, query, verb: Verb::Get }, cancel)
        };
        let origin: Origin = reply::shape(get(origin_id, "lookalike_audience_ids")?, operation)?;
        let mut found = Vec::new();
        for id in origin.lookalike_audience_ids.unwrap_or_default().iter().filter_map(Scalar::id) {
            match get(&id, "id,name,description,lookalike_spec") {
                Ok(body) => found.push(summary(id, reply::shape(body, operation)?)),
                Err(error) if error.is_gone() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

fn summary(id: String, body: LookalikeBody) -> LookalikeSummary {
    let spec = body.lookalike_spec;
    let ratio_percent = spec.as_ref().and_then(ratio_percent);
    let country = spec.and_then(|spec| match (spec.country, spec.target_countries.as_deref()) {
        (Some(country), _) => Some(country),
        (None, Some([only])) => Some(only.clone()),
        _ => None,
    });
    LookalikeSummary {
        id,
        name: body.name.unwrap_or_default(),
        description: body.description,
        country,
        ratio_percent,
    }
}

fn ratio_percent(spec: &Spec) -> Option<u8> {
    if spec.starting_ratio.as_ref().and_then(Scalar::decimal).is_some_and(|start| start > 0.0) {
        return None;
    }
    let ratio = spec.ratio.as_ref()?.decimal()?;
    (1..=20).find(|percent| (ratio * 100.0 - f64::from(*percent)).abs() < 1e-6)
}

#[cfg(test)]
mod tests {
    use super::{Spec, ratio_percent};

    fn percent(json: &str) -> Option<u8> {
        ratio_percent(&serde_json::from_str::<Spec>(json).unwrap())
    }

    #[test]
    fn sizes_are_whole_percents_or_nothing() {
        assert_eq!(percent(r#"{"ratio":0.01}"#), Some(1));
        assert_eq!(percent(r#"{"ratio":"0.07","starting_ratio":0}"#), Some(7));
        assert_eq!(percent(r#"{"ratio":0.20}"#), Some(20));
        assert_eq!(percent(r#"{"ratio":0.02,"starting_ratio":0.01}"#), None);
        assert_eq!(percent(r#"{"ratio":0.015}"#), None);
        assert_eq!(percent("{}"), None);
    }
}
