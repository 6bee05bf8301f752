"""The simulated sources answer clients that others wrote: Google's own, one of Yandex Direct, one of VK."""

import base64
from datetime import date, timedelta
from email import message_from_bytes
from typing import Any

import pytest
import requests
import vk_api
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError
from tapi_yandex_direct import YandexDirect
from tapi_yandex_direct.exceptions import YandexDirectClientError
from tapi_yandex_direct.tapi_yandex_direct import YandexDirectClientAdapter

from simulators.gmail.app import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, GmailSimulator
from simulators.gmail.letters import letter
from simulators.kit.in_process import running
from simulators.vk_ads.app import VkAdsSimulator
from simulators.yandex_direct.app import TOKEN, DirectSimulator
from tests.kit.sales_sources import ACCOUNT, FIRST, LAST, LOGIN, NOW, account


class TestGoogleClient:
    """google-api-python-client with the method descriptions that it carries."""

    @pytest.fixture
    def mailbox(self) -> Any:
        simulator = GmailSimulator()
        simulator.page = 2
        for number in range(5):
            simulator.deliver(
                letter([["01.12.2026", f"Концерт {number}", "Москва", "3", "1 500,00", "0"]], NOW),
                NOW + timedelta(minutes=number),
            )
        with running(simulator) as url:
            yield simulator, url

    def service(self, url: str) -> Any:
        credentials = Credentials(  # type: ignore[no-untyped-call]
            None,
            refresh_token=REFRESH_TOKEN,
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            token_uri=f"{url}/token",
        )
        return build(
            "gmail", "v1", credentials=credentials, static_discovery=True, client_options={"api_endpoint": url}
        )

    def test_lists_page_by_page_and_reads_raw_letters(self, mailbox: Any) -> None:
        simulator, url = mailbox
        with self.service(url) as gmail:
            messages = gmail.users().messages()
            request, found = messages.list(userId="me", q="subject:QTickets"), []
            while request is not None:
                answer = request.execute()
                found += answer["messages"]
                request = messages.list_next(request, answer)
            assert [one["id"] for one in found] == [one.id for one in reversed(simulator.letters)]
            raw = messages.get(userId="me", id=found[0]["id"], format="raw").execute()
        assert message_from_bytes(base64.urlsafe_b64decode(raw["raw"] + "=="))["Subject"]
        assert int(raw["internalDate"]) == int((NOW + timedelta(minutes=4)).timestamp() * 1000)

    def test_errors_are_read_as_googles(self, mailbox: Any) -> None:
        simulator, url = mailbox
        with self.service(url) as gmail:
            with pytest.raises(HttpError) as gone:
                gmail.users().messages().get(userId="me", id="none").execute()
            assert gone.value.status_code == 404
            simulator.left = 0
            with pytest.raises(HttpError) as limited:
                gmail.users().getProfile(userId="me").execute(num_retries=0)
            assert limited.value.error_details[0]["reason"] == "rateLimitExceeded"


class TestDirectClient:
    """tapi-yandex-direct, a client of 2021: v5 addresses, reports that it waits for itself."""

    @pytest.fixture
    def simulated(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        simulator = DirectSimulator({LOGIN: account("yandex", seed=2)})
        with running(simulator) as url:
            monkeypatch.setattr(YandexDirectClientAdapter, "get_api_root", lambda *_, **__: f"{url}/")
            monkeypatch.setattr("tapi_yandex_direct.tapi_yandex_direct.time.sleep", lambda _seconds: None)
            yield simulator

    def client(self, token: str = TOKEN) -> Any:
        return YandexDirect(access_token=token, login=LOGIN, retry_if_not_enough_units=False)

    def test_waits_for_a_report_and_reads_it(self, simulated: DirectSimulator) -> None:
        simulated.polls = 2
        body = {
            "params": {
                "SelectionCriteria": {"DateFrom": FIRST.isoformat(), "DateTo": LAST.isoformat()},
                "FieldNames": ["Date", "Cost"],
                "OrderBy": [{"Field": "Date"}],
                "ReportName": "by a foreign client",
                "ReportType": "ACCOUNT_PERFORMANCE_REPORT",
                "DateRangeType": "CUSTOM_DATE",
                "Format": "TSV",
                "IncludeVAT": "YES",
                "IncludeDiscount": "NO",
            }
        }
        rows = self.client().reports().post(data=body)().to_dict()
        truth = simulated.accounts[LOGIN].truth()
        assert {date.fromisoformat(row["Date"]): row["Cost"] for row in rows} == {d: str(m) for d, m in truth.items()}
        assert simulated.journal.count("reports", status=201) == 1
        assert simulated.journal.count("reports", status=202) == 2

    def test_pages_by_limited_by(self, simulated: DirectSimulator) -> None:
        simulated.page = 3
        body = {"method": "get", "params": {"SelectionCriteria": {}, "FieldNames": ["Id", "State"]}}
        found = [ad["Id"] for page in self.client().ads().post(data=body)().pages() for ad in page().data]
        assert found == [ad.id for ad in simulated.accounts[LOGIN].ads]

    def test_an_error_is_an_error_for_it(self, simulated: DirectSimulator) -> None:
        """It looks for the code under another name than the one documented, so it finds the error without its kind."""
        body = {"method": "get", "params": {"SelectionCriteria": {}, "FieldNames": ["Id"]}}
        simulated.units = 0
        with pytest.raises(YandexDirectClientError, match="152"):
            self.client().campaigns().post(data=body)
        with pytest.raises(YandexDirectClientError, match="53"):
            self.client("another").campaigns().post(data=body)


class TestVkClient:
    """vk_api, a client of the legacy methods."""

    def test_reads_statistics_and_errors(self) -> None:
        simulator = VkAdsSimulator({ACCOUNT: account("vk")}, clock=NOW.timestamp)
        with running(simulator) as url:
            session = vk_api.VkApi(token=simulator.issue(ACCOUNT), api_version="5.131")
            session.http.mount("https://api.vk.com", _Redirected(url))
            session.http.mount("https://api.vk.ru", _Redirected(url))
            api = session.get_api()
            ads = api.ads.getAds(account_id=ACCOUNT)
            assert [int(ad["id"]) for ad in ads] == [ad.id for ad in simulator.accounts[ACCOUNT].ads]
            asked = {"ids_type": "ad", "ids": ads[0]["id"], "period": "day"}
            (item,) = api.ads.getStatistics(account_id=ACCOUNT, **asked, date_from=str(FIRST), date_to=str(LAST))
            days = simulator.accounts[ACCOUNT].days
            assert {row["day"]: row["spent"] for row in item["stats"]} == {
                str(day): str(figures.spent) for (of, day), figures in days.items() if of == int(ads[0]["id"])
            }
            with pytest.raises(vk_api.ApiError) as refused:
                api.ads.getAds(account_id=1)
            assert refused.value.code == 100


class _Redirected(requests.adapters.HTTPAdapter):
    """Sends what is meant for the vendor to the simulator."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        request.url = self._url + request.path_url
        return super().send(request, *args, **kwargs)
