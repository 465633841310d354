//! Embeds `ui/dist` (made by `npm run build`), gzip-compressed. Without it the
//! binary serves a page that says how to build the UI, so that back-end work needs no Node.
//! Embeds the shipped dashboards of `ui/src` as they are.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let dist = Path::new(&variable("CARGO_MANIFEST_DIR")).join("../../ui/dist");
    let out = PathBuf::from(variable("OUT_DIR"));
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut files = Vec::new();
    if dist.join("index.html").exists() {
        collect(&dist, &mut files)?;
        files.sort();
    }
    let mut code = String::from("static ASSETS: &[Asset] = &[\n");
    for (n, file) in files.iter().enumerate() {
        let path = file.strip_prefix(&dist).map_err(io::Error::other)?.to_string_lossy().replace('\\', "/");
        let gz = out.join(format!("asset{n}.gz"));
        #[allow(clippy::disallowed_methods, reason = "a build script writes its output; a crash repeats the build")]
        fs::write(&gz, gzip(&fs::read(file)?))?;
        let _ = writeln!(code, "    Asset {{ path: {path:?}, gzip: include_bytes!({:?}) }},", gz.display().to_string());
    }
    code.push_str("];\n");
    #[allow(clippy::disallowed_methods, reason = "a build script writes its output; a crash repeats the build")]
    fs::write(out.join("assets.rs"), code)?;
    dashboards(&out)
}

/// Makes `SHIPPED`: the name of each file without its extension, and its text.
fn dashboards(out: &Path) -> io::Result<()> {
    let folder = Path::new(&variable("CARGO_MANIFEST_DIR")).join("../../ui/src/features/dashboards/shipped");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    if folder.is_dir() {
        collect(&folder, &mut files)?;
        files.retain(|f| f.extension().is_some_and(|e| e == "json"));
        files.sort();
    }
    let mut code = String::from("static SHIPPED: &[(&str, &str)] = &[\n");
    for file in files {
        let file = fs::canonicalize(file)?;
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let _ = writeln!(code, "    ({stem:?}, include_str!({:?})),", file.display().to_string());
    }
    code.push_str("];\n");
    #[allow(clippy::disallowed_methods, reason = "a build script writes its output; a crash repeats the build")]
    fs::write(out.join("dashboards.rs"), code)
}

#[allow(clippy::disallowed_methods, reason = "cargo talks to build scripts through the environment")]
fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::best());
    let mut out = vec![0; compressor.gzip_compress_bound(data.len())];
    let n = compressor.gzip_compress(data, &mut out).unwrap_or(0);
    out.truncate(n);
    out
}
