"""The words that pretend people are made of."""

from __future__ import annotations

_FIRST = """
Ada Adele Aisha Alan Alice Amara Amir Ana Andre Anja Anton Arjun Astrid Aya Ben Bianca Boris Carla
Carlos Chen Chloe Clara Daniel Daria David Diego Dina Edith Elena Eli Emil Emma Erik Esther Eva
Farid Fatima Felix Fiona Frida Gabriel George Grace Greta Hana Hassan Helen Hugo Ida Igor Ines Iris
Ivan Jack Jana Jin Joan Jonas Julia Kai Karim Katya Kenji Lara Lars Leila Leo Lena Liam Lucia Luis
Maja Marco Maria Mateo Maya Mei Mila Nadia Nico Nina Noah Nora Olga Omar Oscar Paul Petra Priya
Rafael Rania Ravi Rosa Ruth Samir Sara Sofia Tara Theo Vera Yara
"""
_LAST = """
Abbott Adams Ahmed Almeida Andersen Bailey Baker Bauer Becker Bell Berg Bianchi Blake Bose Brandt
Brown Burke Byrne Calder Campos Carter Castro Chan Chen Clark Cohen Costa Cruz Curie Dahl Dalton
Davis Diaz Dubois Duran Edwards Eklund Ellis Evans Faraday Farah Fischer Fisher Flores Foster
Franklin Frost Garcia Gauss Gibbs Gomez Grant Gray Green Gupta Haas Hall Hansen Harris Hayes Heller
Hernandez Hill Hoffman Holm Hughes Hussain Ito Ivanov Jackson Jansen Jensen Johnson Jones Joshi
Kaplan Kaur Keller Kelly Khan Kim King Klein Koch Kovacs Kumar Lang Larsen Lee Lehmann Lewis Lin
Lopez Lovelace Lund Madsen Marino Martin Mason Mehta Meier Mendes Meyer Miller Moore Morales Morgan
Mueller Murphy Nagy Nash Nguyen Nielsen Noether Novak Ochoa Okafor Olsen Ortiz Osman Owens Park
Patel Peng Perez Peters Planck Popov Price Quinn Ramos Rao Reed Reyes Rossi Ruiz Russo Salem Sato
Schmidt Silva Singh Sousa Stein Sung Suzuki Tanaka Torres Turing Vega Voss Walsh Weber Wong Young
Zimmer
"""
_DEPARTMENT = """
Engineering Sales Finance Marketing Legal Support Operations Research Design Security Facilities
Contractors
"""

FIRST_NAMES = tuple(_FIRST.split())
LAST_NAMES = tuple(_LAST.split())
DEPARTMENTS = tuple(_DEPARTMENT.split())
