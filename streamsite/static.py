"""The storage of the static files: each file name contains a hash of the content."""

from servestatic.storage import CompressedManifestStaticFilesStorage


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Store hashed and compressed files, and rewrite the imports of ES modules to hashed names."""

    support_js_module_import_aggregation = True
    # A changed hash changes the hashes of the modules that import the file. Each pass carries the
    # change one import further, so the number is the longest possible chain of imports.
    max_post_process_passes = 20
