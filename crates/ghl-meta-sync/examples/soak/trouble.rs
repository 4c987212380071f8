//! The faults of one run.

use crate::Failure;
use crate::installation::Installation;
use fastrand::Rng;
use serde_json::{Value, json};

/// Plants faults for less than half of the runs; whether it did.
pub fn plant(installation: &Installation, random: &mut Rng) -> Result<bool, Failure> {
    if random.u8(0..100) >= 45 {
        return Ok(false);
    }
    for _ in 0..random.u8(1..=3) {
        match random.u8(0..8) {
            0 | 1 => installation.tell("/control/faults", &fault("ghl", "", random))?,
            2 | 3 => installation.tell("/control/faults", &fault("meta", "", random))?,
            4 => installation.tell("/control/faults", &fault("meta", "/users", random))?,
            5 => installation.tell("/control/faults", &fault("smtp", "", random))?,
            6 => {
                let mode = ["off_by_one", "off_by_two", "prose", "count_minus_1", "max_tokens"];
                let setting = json!({"mode": random.choice(mode), "always": random.bool()});
                installation.tell("/control/claude/mode", &setting)?;
            }
            _ => {
                // In equal parts 500, 502, 503, resets before and after, truncated and slow replies.
                let trouble = json!({
                    "service": random.choice(["ghl", "meta", "claude"]),
                    "seed": random.u64(..),
                    "per_mille": random.u16(20..200),
                    "slow_millis": 500,
                });
                installation.tell("/control/trouble", &trouble)?;
            }
        }
    }
    Ok(true)
}

/// Everything answers again.
pub fn clear(installation: &Installation) -> Result<(), Failure> {
    installation.clear_faults()?;
    installation.tell("/control/claude/mode", &json!({"mode": "good"}))
}

fn fault(service: &str, path: &str, random: &mut Rng) -> Value {
    let effect = match (random.u8(0..8), service) {
        (0, "smtp") => json!({"kind": "status", "status": 451, "body": "try again later"}),
        (0, _) => json!({"kind": "status", "status": 500, "body": "{}"}),
        (1, "meta") => json!({"kind": "meta_error", "code": 80003, "wait_millis": 1500}),
        (1, _) => json!({"kind": "status", "status": 429, "body": "{}"}),
        (2, _) => json!({"kind": "reset"}),
        (3, _) => json!({"kind": "reset_after_apply"}),
        (4, _) => json!({"kind": "hang", "millis": random.u32(500..3000)}),
        (5, _) => json!({"kind": "delay", "millis": random.u32(200..2000)}),
        (6, "smtp") => json!({"kind": "status", "status": 554, "body": "no"}),
        (6, _) => json!({"kind": "html", "status": 502}),
        (_, "smtp") => json!({"kind": "reset"}),
        _ => json!({"kind": "truncate"}),
    };
    // More than the program repeats a call: some of the runs must fail.
    json!({
        "service": service,
        "path_contains": path,
        "after": random.u32(0..12),
        "times": random.choice([1, 1, 1, 2, 3, 8]),
        "effect": effect,
    })
}
