//! The files of `static/`, inside the program. Their addresses hold a part of their hash, so browsers may keep them for
//! ever and still get the new one at once.

use crate::etag;
use crate::problem::Problem;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETag, EntityTag};
use actix_web::{HttpRequest, HttpResponse, web};
use rust_embed::{Embed, EmbeddedFile};

#[derive(Embed)]
#[folder = "$CARGO_MANIFEST_DIR/../../static"]
struct Static;

/// The address of a file: `app.css` is at `/static/app.0123456789abcdef.css`. A file that does not exist gets an
/// address that answers 404.
pub(crate) fn url(name: &str) -> String {
    match (name.rsplit_once('.'), Static::get(name)) {
        (Some((stem, extension)), Some(file)) => format!("/static/{stem}.{}.{extension}", fingerprint(&file)),
        _ => format!("/static/{name}"),
    }
}

/// `GET /static/{name}`: only under the address that [`url`] gives.
pub(crate) async fn serve(request: HttpRequest, name: web::Path<String>) -> Result<HttpResponse, Problem> {
    let (plain, asked) = split(&name).ok_or(Problem::NotFound)?;
    let file = Static::get(&plain).filter(|file| fingerprint(file) == asked).ok_or(Problem::NotFound)?;
    let tag = EntityTag::new_strong(asked.to_owned());
    let is_known = etag::is_known(&request, &tag);
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header(ETag(tag)).insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"));
    if is_known {
        return Ok(response.finish());
    }
    Ok(response.insert_header((CONTENT_TYPE, content_type(&plain))).body(file.data.into_owned()))
}

/// `app.0123.css` as `app.css` and `0123`.
fn split(name: &str) -> Option<(String, &str)> {
    let (rest, extension) = name.rsplit_once('.')?;
    let (stem, hash) = rest.rsplit_once('.')?;
    Some((format!("{stem}.{extension}"), hash))
}

fn fingerprint(file: &EmbeddedFile) -> String {
    const_hex::encode(&file.metadata.sha256_hash()[..8])
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::{Static, split, url};

    #[test]
    fn htmx_is_the_release_that_was_checked() {
        let file = Static::get("htmx-2.0.11.min.js").unwrap();
        assert_eq!(
            const_hex::encode(file.metadata.sha256_hash()),
            "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"
        );
        let licence = Static::get("htmx-LICENSE.txt").unwrap();
        assert!(licence.data.starts_with(b"Zero-Clause BSD"));
    }

    #[test]
    fn our_own_script_stays_small() {
        let bytes = Static::get("app.js").unwrap().data.len();
        assert!(bytes <= 4096, "{bytes}");
    }

    #[test]
    fn a_name_with_dots_finds_its_way_back() {
        let address = url("htmx-2.0.11.min.js");
        let (name, hash) = split(address.strip_prefix("/static/").unwrap()).unwrap();
        assert_eq!((name.as_str(), hash.len()), ("htmx-2.0.11.min.js", 16));
    }
}
