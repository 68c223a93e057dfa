"""Static files under names that carry a hash of their contents."""

from servestatic.storage import CompressedManifestStaticFilesStorage


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Hashed and compressed files, in which the imports of ES modules are rewritten too."""

    support_js_module_import_aggregation = True
    # A pass carries a changed name one import further: as many as the longest chain of modules.
    max_post_process_passes = 20
