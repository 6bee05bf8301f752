"""Where the cloud of Bitrix24 keeps recordings."""

import re

# Built-in telephony keeps recordings at storage*.voximplant.com (example of `voximplant.statistic.get` in the vendor's
# documentation); cloud portals serve files from cdn*.bitrix24.<zone> (zones: helpdesk.bitrix24.de/open/10252860).
# Another customer's portal under the same zones is not storage, so only the cdn names are listed.
CLOUD_STORAGE_HOSTS = re.compile(
    r"(?:[a-z0-9-]+\.)+voximplant\.com"
    r"|cdn(?:-[a-z0-9]+)?\.bitrix24\.(?:ru|com|by|kz|ua|eu|de|fr|it|es|pl|in|cn|id|vn|jp|com\.br|com\.tr)"
)
