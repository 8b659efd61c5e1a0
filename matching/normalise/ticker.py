"""Ticker symbol with its exchange.

Recipe ticker/1: "EXCHANGE:SYMBOL" ("NYSE: IBM", "XETR:SAP") or "SYMBOL EXCHANGE" with a Bloomberg country code ("AAPL
US", "SAP GY"); class separators (".", "/", "-", " ") in a symbol to ".". The exchange becomes the country of its
market: American symbols are unique over all exchanges, and move between them. A symbol without an exchange that is
known, and a symbol of another form, are refused: a bare "T" names four companies.
"""

import re
from typing import Final

from matching.normalise.cells import IDENTIFIER_LIMIT, checked
from matching.refusal import Refusal

VERSION: Final = "ticker/1"

# ISO 10383 market identifier codes, everyday names, Bloomberg and Reuters codes -> the market's country.
_MARKETS: Final = {
    "US": "XNYS XNAS XASE ARCX BATS NYSE NASDAQ AMEX NYSEARCA NYSEAMERICAN CBOE OTC OTCMKTS US UN UQ UW UA",
    "GB": "XLON LSE LON LN AIM",
    "DE": "XETR XFRA XETRA FRA ETR FWB GR GY GF",
    "FR": "XPAR EPA PAR FP",
    "NL": "XAMS AMS NA",
    "BE": "XBRU EBR BRU BB",
    "PT": "XLIS ELI PL",
    "CH": "XSWX SWX SIX SW SE VX",
    "AT": "XWBO VIE AV",
    "IT": "XMIL BIT MIL IM",
    "ES": "XMAD BME MCE SM",
    "SE": "XSTO STO OMXS SS",
    "DK": "XCSE CPH DC",
    "NO": "XOSL OSL OSE NO",
    "FI": "XHEL HEL FH",
    "IE": "XDUB ISE ID",
    "PL": "XWAR WSE PW",
    "CA": "XTSE XTSX TSX TSXV CN CT",
    "BR": "BVMF B3 BOVESPA BZ BS",
    "MX": "XMEX BMV MM",
    "JP": "XTKS TYO TSE JP JT",
    "HK": "XHKG HKG HKEX SEHK HK",
    "CN": "XSHG XSHE SHA SHE SSE SZSE CG CS",
    "TW": "XTAI TPE TWSE TT",
    "KR": "XKRX KRX KOSDAQ KS",
    "IN": "XNSE XBOM NSE BSE IN IB",
    "SG": "XSES SGX SP",
    "AU": "XASX ASX AU",
    "NZ": "XNZE NZX NZE NZ",
    "ZA": "XJSE JSE SJ",
    "IL": "XTAE TASE TLV",
}
_COUNTRY_OF: Final = {code: country for country, codes in _MARKETS.items() for code in codes.split()}
_PREFIXED: Final = re.compile(r"([A-Z0-9.]{2,12})\s*:\s*([A-Z0-9][A-Z0-9./ -]{0,11})")
_SUFFIXED: Final = re.compile(r"([A-Z0-9][A-Z0-9./-]{0,11}) ([A-Z]{2})(?: EQUITY)?")
_SEPARATOR: Final = re.compile(r"[./ -]+")


def normalise(value: str) -> str:
    """Country, ":" and symbol, or "" for an empty cell.

    Raises Refusal `ticker_exchange` (none, or one that is not known), and what `cells.checked` raises.
    """
    text = checked(value, limit=IDENTIFIER_LIMIT).upper()
    if not text:
        return ""
    prefixed, suffixed = _PREFIXED.fullmatch(text), _SUFFIXED.fullmatch(text)
    if prefixed:
        market, symbol = prefixed[1], prefixed[2]
    elif suffixed:
        symbol, market = suffixed[1], suffixed[2]
    else:
        raise Refusal("ticker_exchange", "not a symbol with its exchange")
    country = _COUNTRY_OF.get(market)
    if country is None:
        raise Refusal("ticker_exchange", "the exchange is not known")
    return f"{country}:{_SEPARATOR.sub('.', symbol.strip())}"
