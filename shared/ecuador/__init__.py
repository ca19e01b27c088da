"""Ecuador's own rules: cédulas and RUCs, provinces and cantons, phones, money, dates, names."""
