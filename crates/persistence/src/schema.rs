//! The tables as Diesel sees them. Kept by hand beside the migrations; a test compares them with a migrated database.
//!
//! The generated column `sync_contacts.raw_ltv` is missing on purpose: it is for people who read the database with SQL,
//! and its type differs between the engines.

diesel::table! {
    instance (id) {
        id -> Integer,
        tag -> Text,
        created_at -> Timestamp,
        suppression_key -> Nullable<Binary>,
    }
}

diesel::table! {
    sync_configs (id) {
        id -> BigInt,
        ghl_smart_list_id -> Text,
        ghl_smart_list_name -> Text,
        ghl_ltv_field_name -> Text,
        ghl_ltv_field_label -> Text,
        meta_ad_account_id -> Text,
        sync_enabled -> Bool,
        chosen -> Bool,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        list_conditions -> Nullable<Text>,
    }
}

diesel::table! {
    sync_runs (id) {
        id -> BigInt,
        config_id -> BigInt,
        triggered_by -> Text,
        started_at -> Timestamp,
        completed_at -> Nullable<Timestamp>,
        status -> Text,
        contacts_processed -> BigInt,
        contacts_matched -> Nullable<BigInt>,
        matched_lower -> Nullable<BigInt>,
        matched_upper -> Nullable<BigInt>,
        meta_audience_id -> Nullable<Text>,
        meta_audience_name -> Nullable<Text>,
        meta_lookalike_id -> Nullable<Text>,
        meta_lookalike_name -> Nullable<Text>,
        error_message -> Nullable<Text>,
        error_step -> Nullable<Text>,
        error_remedy -> Nullable<Text>,
        error_provider_code -> Nullable<Text>,
        error_trace_id -> Nullable<Text>,
        accounting -> Text,
        changes_added -> Nullable<BigInt>,
        changes_removed -> Nullable<BigInt>,
        normalization_stats -> Nullable<Text>,
        ranking_report -> Nullable<Text>,
        waiting_until -> Nullable<Timestamp>,
        audience_deleted_at -> Nullable<Timestamp>,
        refused_samples -> Nullable<Text>,
        scheduled_for -> Nullable<Timestamp>,
    }
}

diesel::table! {
    sync_steps (id) {
        id -> BigInt,
        sync_run_id -> BigInt,
        name -> Text,
        status -> Text,
        started_at -> Timestamp,
        completed_at -> Nullable<Timestamp>,
        done -> BigInt,
        total -> Nullable<BigInt>,
        detail -> Nullable<Text>,
    }
}

diesel::table! {
    sync_lookalikes (sync_run_id, position) {
        sync_run_id -> BigInt,
        position -> Integer,
        meta_lookalike_id -> Nullable<Text>,
        name -> Text,
        country -> Text,
        ratio_percent -> Integer,
        status -> Text,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    sync_intentions (id) {
        id -> BigInt,
        sync_run_id -> BigInt,
        kind -> Text,
        name -> Text,
        remote_id -> Nullable<Text>,
        created_at -> Timestamp,
        closed_at -> Nullable<Timestamp>,
        outcome -> Nullable<Text>,
    }
}

diesel::table! {
    sync_lease (id) {
        id -> Integer,
        holder -> Nullable<Text>,
        sync_run_id -> Nullable<BigInt>,
        expires_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    sync_contacts (id) {
        id -> BigInt,
        sync_run_id -> BigInt,
        ghl_contact_id -> Text,
        email -> Nullable<Text>,
        phone -> Nullable<Text>,
        first_name -> Nullable<Text>,
        last_name -> Nullable<Text>,
        raw_ltv_cents -> Nullable<BigInt>,
        normalized_value -> Nullable<Integer>,
        bucket -> Text,
        reason -> Nullable<Text>,
        meta_matched -> Nullable<Bool>,
        created_at -> Timestamp,
        country -> Nullable<Text>,
    }
}

diesel::table! {
    outbox (id) {
        id -> BigInt,
        sync_run_id -> Nullable<BigInt>,
        channel -> Text,
        kind -> Text,
        message_id -> Text,
        attempts -> Integer,
        queued_at -> Timestamp,
        next_attempt_at -> Timestamp,
        sent_at -> Nullable<Timestamp>,
        given_up_at -> Nullable<Timestamp>,
        last_error -> Nullable<Text>,
    }
}

diesel::table! {
    saved_settings (name) {
        name -> Text,
        value -> Text,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    sync_schedule (id) {
        id -> Integer,
        last_seen_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    sync_schedule_slots (slot) {
        slot -> Timestamp,
        claimed_at -> Timestamp,
        settled_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    stable_audiences (ad_account_id, adopted) {
        ad_account_id -> Text,
        audience_id -> Text,
        name -> Text,
        birthdays -> Bool,
        limited_data_use -> Bool,
        adopted -> Bool,
        replace_refused_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    stable_members (audience_id, person_key) {
        audience_id -> Text,
        person_key -> Binary,
        email_hash -> Nullable<Binary>,
        phone_hash -> Nullable<Binary>,
        value -> BigInt,
        delivered_value -> Nullable<BigInt>,
        run_id -> BigInt,
    }
}

diesel::table! {
    sync_replacements (run_id) {
        run_id -> BigInt,
        audience_id -> Text,
        session_id -> Text,
        total_rows -> BigInt,
        opened_at -> Timestamp,
        begun_at -> Timestamp,
        closed_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    suppressed_people (key_hash) {
        key_hash -> Binary,
        created_at -> Timestamp,
    }
}

diesel::table! {
    pending_removals (id) {
        id -> BigInt,
        person_key -> Binary,
        email_hash -> Nullable<Binary>,
        phone_hash -> Nullable<Binary>,
        cause -> Text,
        requested_at -> Timestamp,
        attempts -> Integer,
        last_error -> Nullable<Text>,
    }
}

diesel::table! {
    saved_filters (id) {
        id -> BigInt,
        name -> Text,
        conditions -> Text,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::joinable!(sync_runs -> sync_configs (config_id));
diesel::joinable!(sync_lookalikes -> sync_runs (sync_run_id));
diesel::allow_tables_to_appear_in_same_query!(
    stable_audiences,
    sync_configs,
    sync_contacts,
    sync_intentions,
    sync_lookalikes,
    sync_runs
);

#[cfg(test)]
mod tests {
    use crate::connection::connect;
    use crate::database_url::DatabaseUrl;
    use crate::migrate::migrate;
    use diesel::prelude::*;
    use diesel::sql_types::Text;

    #[derive(QueryableByName)]
    struct Column {
        #[diesel(sql_type = Text)]
        described: String,
    }

    /// What this file says, as `table.column class nullable` in the order of the file.
    fn declared() -> Vec<String> {
        let mut table = "";
        let mut columns = Vec::new();
        for line in
            include_str!("schema.rs").lines().take_while(|line| !line.starts_with("diesel::joinable!"))
        {
            if let Some((name, _)) = line.trim().split_once(" (") {
                table = name;
            } else if let Some((name, kind)) = line.trim().trim_end_matches(',').split_once(" -> ") {
                let inner = kind.strip_prefix("Nullable<").map(|inner| inner.trim_end_matches('>'));
                let class = match inner.unwrap_or(kind) {
                    "BigInt" | "Integer" => "int",
                    "Text" => "text",
                    "Bool" => "boolean",
                    "Timestamp" => "timestamp",
                    "Binary" => "blob",
                    other => panic!("{other}"),
                };
                columns.push(format!("{table}.{name} {class} {}", u8::from(inner.is_some())));
            }
        }
        columns
    }

    #[test]
    fn the_tables_declared_here_are_those_the_migrations_make() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = connect(&DatabaseUrl::Sqlite(folder.path().join("a.db"))).unwrap();
        migrate(&mut connection).unwrap();
        let mut found = diesel::sql_query(
            "SELECT t.name || '.' || c.name || ' ' || CASE c.type WHEN 'INTEGER' THEN 'int' WHEN 'BIGINT' THEN 'int' \
             ELSE lower(c.type) END || ' ' || (1 - c.\"notnull\") AS described \
             FROM sqlite_schema t JOIN pragma_table_info(t.name) c \
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\' \
             ORDER BY t.name, c.cid",
        )
        .load::<Column>(&mut connection)
        .unwrap()
        .into_iter()
        .map(|column| column.described)
        .collect::<Vec<_>>();
        let mut declared = declared();
        declared.sort();
        found.sort();
        assert_eq!(declared, found);
        assert!(declared.len() > 60);
    }
}
