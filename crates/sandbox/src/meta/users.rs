//! `POST /{audience}/users`, and the same with `method=DELETE` (meta-api §2.1-2.3).

use std::io;

use serde_json::{Value, json};

use super::audience::{CustomerList, Kind};
use super::call::{Call, Verb};
use super::errors::GraphError;
use super::members::Removal;
use super::payload::{Column, Sample, Upload};
use super::session::{Purpose, Session, SessionParameter};
use super::settings::MetaSettings;
use super::{Account, Instants, MetaState, replacement};
use crate::people::Population;

/// Adds or removes members.
///
/// # Errors
/// Those of the audience (803, flagged, terms, a running replacement), of the payload, and of the session.
pub(super) fn change(state: &MetaState, call: &Call, id: u64) -> Result<Value, GraphError> {
    let purpose = if call.verb == Verb::Delete { Purpose::Remove } else { Purpose::Add };
    let at = state.instants();
    let value_based = admit(&mut state.account(), call, id, at)?;
    let session = SessionParameter::read(call)?;
    let rules = state.account().settings.row_rules();
    // Outside the lock: parsing and matching 10,000 rows is the bulk of the work.
    let mut upload = Upload::read(call.required("payload")?, purpose, &state.population, &rules)?;
    let has_value = upload.schema.contains(&Column::Value);
    if purpose == Purpose::Add && has_value != value_based {
        let message = if has_value {
            "LOOKALIKE_VALUE can only be used with a value-based audience"
        } else {
            "A value-based audience needs the column LOOKALIKE_VALUE"
        };
        return Err(GraphError::parameter("payload", message));
    }
    let account = &mut *state.account();
    account.claim_session(session.session_id, id)?;
    let Account { audiences, ads, settings, .. } = account;
    let gone = || GraphError::no_such_object(call.verb.name(), &id.to_string());
    let audience = audiences.get_mut(&id).filter(|audience| !audience.deleted).ok_or_else(gone)?;
    let Kind::List(list) = &mut audience.kind else { return Err(gone()) };
    if list.replacing(at, settings) {
        return Err(replacement::in_progress());
    }
    let received = apply(list, purpose, &session, &mut upload, &state.population, settings, at)?;
    audience.content_updated_at = Some(at.now);
    // Unlike a replacement, adding and removing send the ad sets of the audience back to learning.
    for ad in ads.iter_mut().filter(|ad| ad.audience == id) {
        ad.learning_phase_resets += 1;
    }
    Ok(receipt(id, session.session_id, received, &upload, settings))
}

/// Whether members may be changed now; says whether the audience is value-based.
pub(super) fn admit(account: &mut Account, call: &Call, id: u64, at: Instants) -> Result<bool, GraphError> {
    account.check_terms(false)?;
    let Account { audiences, settings, .. } = account;
    let gone = || GraphError::no_such_object(call.verb.name(), &id.to_string());
    let audience = audiences.get_mut(&id).filter(|audience| !audience.deleted).ok_or_else(gone)?;
    if !audience.flagged(at, settings).is_empty() {
        let message = "Before updating user memberships, you must resolve integrity restrictions on this Data File \
                       Custom Audience. Go to Audience Manager to appeal the restrictions or create a new audience with \
                       updated data";
        return Err(GraphError::invalid("payload", "Audience Upload Blocked", message).sub(1_713_230));
    }
    let Kind::List(list) = &mut audience.kind else { return Err(gone()) };
    if list.refusals > 0 {
        list.refusals -= 1;
        let edge = call.path.last().map_or("users", String::as_str);
        let message = format!("Some of the aliases you requested do not exist: {edge}");
        return Err(GraphError::new(803, "Unknown alias", &message));
    }
    Ok(list.value_based)
}

/// The reply: the rows received are those of the session so far; what was invalid is told of this request.
pub(super) fn receipt(
    audience: u64,
    session_id: i64,
    received: u64,
    upload: &Upload,
    settings: &MetaSettings,
) -> Value {
    let samples: Value = if settings.samples_as_list {
        upload.samples.iter().map(|sample| sample.entry.as_str()).collect()
    } else {
        let row = |sample: &Sample| match settings.samples_hold_rows {
            true => sample.entry.clone(),
            false => sample.number.to_string(),
        };
        upload.samples.iter().map(|sample| (row(sample), json!(sample.reason))).collect()
    };
    json!({
        "audience_id": audience.to_string(),
        "session_id": session_id.to_string(),
        "num_received": received,
        "num_invalid_entries": upload.invalid,
        "invalid_entry_samples": samples,
    })
}

/// Applies a batch; returns the rows received in its session so far.
fn apply(
    list: &mut CustomerList,
    purpose: Purpose,
    parameter: &SessionParameter,
    upload: &mut Upload,
    population: &Population,
    settings: &MetaSettings,
    at: Instants,
) -> Result<u64, GraphError> {
    if purpose == Purpose::Add {
        check_family(list, upload)?;
    }
    let known = list.sessions.iter().position(|session| session.id == parameter.session_id);
    if let Some(session) = known.map(|known| &list.sessions[known]) {
        let repeats_last = parameter.batch_seq.is_some()
            && parameter.batch_seq == session.last_seq
            && parameter.last_batch_flag
            && !settings.refuse_repeated_last_batch;
        if session.closed && !repeats_last {
            // The documents give the refusal of a finished session only for replacing; it is worded the same here.
            let message = "The last batch of this session was already received. Start a new session to change more users.";
            return Err(GraphError::new(2650, "Session Finished", message).sub(1_870_159));
        }
        if session.purpose != purpose {
            return Err(GraphError::parameter("session", "A session either adds, removes or replaces users"));
        }
        if session.schema != upload.schema {
            return Err(GraphError::parameter("payload", "Data is missing or does not match schema"));
        }
        if session.expired(at) {
            // Late batches are dropped without a word; only num_received tells.
            return Ok(session.received);
        }
    }
    if purpose == Purpose::Remove {
        remove(list, upload, population, settings)?;
    }
    let index = known.unwrap_or_else(|| list.open(parameter.session_id, purpose, upload, at));
    Ok(list.receive(index, parameter, upload, at)?)
}

impl CustomerList {
    /// Opens a session; returns its position.
    pub fn open(&mut self, session_id: i64, purpose: Purpose, upload: &Upload, at: Instants) -> usize {
        self.sessions.push(Session::open(session_id, purpose, upload.schema.clone(), at));
        self.sessions.len() - 1
    }

    /// Takes a batch into an open session; returns the rows received in it so far.
    ///
    /// # Errors
    /// A temporary file that can not be written.
    pub fn receive(
        &mut self,
        index: usize,
        parameter: &SessionParameter,
        upload: &mut Upload,
        at: Instants,
    ) -> io::Result<u64> {
        let session = &mut self.sessions[index];
        session.receive(parameter, upload, at);
        if session.purpose != Purpose::Remove {
            self.family = Some(upload.family);
            for member in &mut upload.members {
                member.session = u32::try_from(index).unwrap_or(u32::MAX);
            }
            self.members.append(&upload.members)?;
        }
        Ok(session.received)
    }
}

/// An audience keeps to the family of schemas it was first filled with.
pub(super) fn check_family(list: &CustomerList, upload: &Upload) -> Result<(), GraphError> {
    match list.family {
        Some(family) if family != upload.family => {
            let message = format!(
                "Failed to update the custom audience: This audience was created from data source FILE_IMPORTED.{}, \
                 which does not support data source FILE_IMPORTED.{}.",
                family.sub_type(),
                upload.family.sub_type()
            );
            Err(GraphError::new(2650, "Failed to update the custom audience", &message))
        }
        _ => Ok(()),
    }
}

/// Takes effect at once, unlike Meta's "up to 24 hours".
fn remove(
    list: &mut CustomerList,
    upload: &Upload,
    population: &Population,
    settings: &MetaSettings,
) -> Result<(), GraphError> {
    let removal = Removal::of(&upload.members);
    let left = list.size_of_those(population, |member| !removal.hits(member))?;
    if left.matched < settings.removal_floor {
        let message = "You cannot remove users from this audience because it will result in a low audience size and may \
                       result in under-delivery or non-delivery of your ads.";
        return Err(GraphError::new(200, "Audience Size too Low", message).sub(1_870_047));
    }
    list.members.retain(|member| !removal.hits(member))?;
    Ok(())
}
