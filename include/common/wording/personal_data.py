"""Russian marks that stand in a text where personal data was hidden; each says what was there."""

NUMBER = "[номер]"
EMAIL = "[почта]"
MARKS = {
    "name": "[имя]",
    "address": "[адрес]",
    "phone": "[телефон]",
    "email": EMAIL,
    "card": "[карта]",
    "passport": "[паспорт]",
    "snils": "[снилс]",
    "inn": "[инн]",
    "number": NUMBER,
}
