//! `POST /{audience}/usersreplace` (meta-api §2.4): everybody out, then the new list in, in one session.

use serde_json::Value;

use super::audience::{CustomerList, Kind};
use super::call::Call;
use super::errors::GraphError;
use super::member_file::MemberFile;
use super::payload::{Column, Upload};
use super::session::{Purpose, Session, SessionParameter};
use super::settings::MetaSettings;
use super::{Account, Instants, MetaState, users};

/// Takes one batch. Unlike adding and removing it leaves the learning phase of ad sets alone.
///
/// # Errors
/// Those of the audience (803, flagged, terms), of the payload, and the refusals of a replacement: code 2650.
pub(super) fn replace(state: &MetaState, call: &Call, id: u64) -> Result<Value, GraphError> {
    let at = state.instants();
    let value_based = users::admit(&mut state.account(), call, id, at)?;
    call.required("session")?;
    let session = SessionParameter::read(call)?;
    let Some(batch_seq) = session.batch_seq else {
        return Err(GraphError::parameter("session", "batch_seq is required and starts at 1"));
    };
    let rules = state.account().settings.row_rules();
    let mut upload = Upload::read(call.required("payload")?, Purpose::Replace, &state.population, &rules)?;
    let account = &mut *state.account();
    check_values(value_based, &upload, &account.settings)?;
    account.claim_session(session.session_id, id)?;
    let Account { audiences, settings, .. } = account;
    let gone = || GraphError::no_such_object(call.verb.name(), &id.to_string());
    let audience = audiences.get_mut(&id).filter(|audience| !audience.deleted).ok_or_else(gone)?;
    let Kind::List(list) = &mut audience.kind else { return Err(gone()) };
    users::check_family(list, &upload)?;
    let index = match list.sessions.iter().position(|known| known.id == session.session_id) {
        Some(known) => {
            check_continued(&list.sessions[known], batch_seq, &upload, at)?;
            known
        }
        None => {
            check_opening(list, batch_seq, state, settings, at)?;
            list.members = MemberFile::default();
            list.open(session.session_id, Purpose::Replace, &upload, at)
        }
    };
    let breaks_off = settings.replace_goes_wrong_at_batch == Some(batch_seq);
    if breaks_off {
        settings.replace_goes_wrong_at_batch = None;
    }
    let fails =
        breaks_off || (session.last_batch_flag && std::mem::take(&mut settings.replace_fails_at_its_end));
    if fails {
        upload.members.truncate(upload.members.len() / 2);
    }
    let received = list.receive(index, &session, &mut upload, at)?;
    if fails {
        list.sessions[index].closed = true;
        list.sessions[index].failed = true;
    }
    audience.content_updated_at = Some(at.now);
    if breaks_off {
        let message = "Something went wrong while replacing users. Part of them may have been updated. Please try again.";
        return Err(refusal(1_870_148, "Something Went Wrong", message));
    }
    Ok(users::receipt(id, session.session_id, received, &upload, settings))
}

/// Another replacement runs, or members would change while one does.
pub(super) fn in_progress() -> GraphError {
    let message = "This audience is being updated. Please wait until the update is complete and try again.";
    refusal(1_870_145, "Audience Update In Progress", message)
}

fn refusal(subcode: u32, title: &'static str, message: &str) -> GraphError {
    GraphError::new(2650, title, message).sub(subcode)
}

/// Whether the list fits the audience. For neither refusal a subcode is documented.
fn check_values(value_based: bool, upload: &Upload, settings: &MetaSettings) -> Result<(), GraphError> {
    const TITLE: &str = "Failed to update the custom audience";
    if upload.schema.contains(&Column::Value) != value_based {
        let message = "Failed to update the custom audience: a value-based audience can't be replaced by a list without \
                       values, nor the other way round.";
        return Err(GraphError::new(2650, TITLE, message));
    }
    if value_based && settings.refuse_value_based_replace {
        let message = "Failed to update the custom audience: replacing users is not supported for value-based audiences.";
        return Err(GraphError::new(2650, TITLE, message));
    }
    Ok(())
}

/// Whether a further batch of a known session is taken.
fn check_continued(
    session: &Session,
    batch_seq: i64,
    upload: &Upload,
    at: Instants,
) -> Result<(), GraphError> {
    if session.purpose != Purpose::Replace {
        return Err(GraphError::parameter("session", "A session either adds, removes or replaces users"));
    }
    if session.closed {
        let message = "This replace session is finished. Use the users edge to add or remove more users.";
        return Err(refusal(1_870_159, "Replace Session Finished", message));
    }
    if session.expired(at) {
        let message =
            "A replace session takes batches for 90 minutes. Use the users edge to add the remaining users.";
        return Err(refusal(1_870_158, "Replace Session Timed Out", message));
    }
    if batch_seq == 1 {
        // "Never send 1 twice" says the guide, and not what happens then. Batch 1 asks to open a replacement, and one runs.
        return Err(in_progress());
    }
    if session.schema != upload.schema {
        return Err(GraphError::parameter("payload", "Data is missing or does not match schema"));
    }
    Ok(())
}

/// Whether a session may be opened, which empties the audience.
fn check_opening(
    list: &CustomerList,
    batch_seq: i64,
    state: &MetaState,
    settings: &MetaSettings,
    at: Instants,
) -> Result<(), GraphError> {
    if batch_seq != 1 {
        let message =
            "The first batch of a replace session must have batch_seq 1 and be received before all others.";
        return Err(refusal(1_870_147, "Invalid Upload Batch for Replace", message));
    }
    if list.members.len() >= settings.replace_size_limit {
        let message = "Replacing users is not supported for audiences of 100 million people or more.";
        return Err(refusal(1_870_144, "Audience Size Not Supported", message));
    }
    let settled = match list.operation(&list.size(&state.population, at, settings)?, at, settings) {
        410 => settings.replaces_never_filled,
        200 | 411 | 412 | 415 => true,
        _ => false,
    };
    if settled { Ok(()) } else { Err(in_progress()) }
}
