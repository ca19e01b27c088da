"""What people and streets in Ecuador are called, most frequent first.

Own lists, written from general knowledge; the rank gives the frequency (see `rank_weights`).
"""


def _words(text: str, between: str | None = None) -> tuple[str, ...]:
    return tuple(" ".join(word.split()) for word in text.split(between))


WOMEN = _words(
    """
    María Ana Rosa Carmen Gabriela Andrea Daniela Verónica Diana Mónica Paola Jessica Silvia
    Patricia Martha Gloria Fernanda Karla Karina Elizabeth Alejandra Valeria Mayra Johanna Tatiana
    Cristina Viviana Lorena Narcisa Blanca Luz Mercedes Nancy Norma Teresa Mariana Jenny Ximena
    Estefanía Carolina Sofía Camila Doménica Nathaly Michelle Evelyn Génesis Katherine Gissela
    Pamela Soledad Lucía Isabel Victoria Beatriz Piedad Germania Fanny Zoila Olga Yolanda Esther
    Guadalupe Belén Emilia Samantha Nayeli Dayana Melany Cecilia Miriam Sandra Adriana Rocío
    """
)
WOMEN_SECOND = _words(
    """
    Elizabeth José Fernanda Alexandra Isabel Cristina Carmen Gabriela Belén Carolina Paola
    Patricia Cecilia Mercedes Lucía Alejandra Estefanía Nicole Michelle Victoria Beatriz Elena
    Inés Esperanza Soledad Magdalena Verónica Lorena Andrea Margarita Eugenia Valentina Salomé
    Monserrate Jacqueline Leonor Raquel Marlene Dolores Piedad Abigail Anahí Noemí
    """
)
MEN = _words(
    """
    José Luis Juan Carlos Jorge Ángel Manuel Víctor Diego Miguel Segundo Marco Édison Wilson
    Christian Andrés Fernando Cristian Byron Freddy Washington Franklin Darwin Henry Klever Milton
    Édgar Ramiro Patricio Galo Hugo Julio César Mario Raúl Pedro Pablo Santiago Sebastián David
    Daniel Alex Kevin Bryan Jefferson Jonathan Anthony Stalin Lenín Iván Óscar Guido Marcelo
    Rodrigo Gustavo Eduardo Francisco Javier Esteban Mateo Joel Fabricio Ricardo Roberto Xavier
    Wellington Vicente Nelson Rubén Gonzalo Ernesto Bolívar Eloy Gabriel Alexander
    """
)
MEN_SECOND = _words(
    """
    Antonio Alberto Eduardo Fernando Alejandro Andrés Javier Enrique David Patricio Alexander
    Vinicio Xavier Gabriel Sebastián Daniel Rafael Ramiro Fabián Manuel Efraín Gonzalo Leonardo
    Iván Francisco Paúl Marcelo Ernesto Augusto Oswaldo Rodrigo Bolívar Humberto Alfonso Israel
    Gustavo Ricardo Josué Steven Adrián Emilio Germán Stalin Napoleón Mauricio
    """
)
SURNAMES = _words(
    """
    Zambrano Sánchez Rodríguez García González López Pérez Torres Vera Morales Cedeño Castillo
    Mendoza Espinoza Ramírez Vásquez Jiménez Flores Hernández Gómez Ortiz Martínez Castro Herrera
    Romero Álvarez Cevallos Mora Reyes Moreira Velasco Ruiz Vargas Salazar Muñoz Villacís Suárez
    Delgado Macías Paredes Cruz Ponce Guerrero Chávez Andrade Rivera Bravo Medina Loor Gutiérrez
    Córdova Aguilar Cabrera Molina Santos León Peña Ramos Valencia Intriago Alcívar Palacios
    Calderón Carrillo Arias Benítez Bustamante Cárdenas Díaz Domínguez Escobar Figueroa Franco
    Galarza Granda Guevara Hidalgo Ibarra Jácome Jaramillo Lara Luna Maldonado Mejía Montalvo
    Montenegro Naranjo Narváez Núñez Ochoa Ordóñez Orellana Ortega Pacheco Palma Parra Pazmiño
    Proaño Quintero Recalde Rosero Rueda Salinas Sandoval Silva Solís Soria Tapia Terán Tobar
    Toro Ulloa Valdez Valdivieso Vaca Villalba Villavicencio Viteri Yépez Zurita
    """
)
REGIONAL_SURNAMES = {
    "Sierra": _words(
        """
        Guamán Quishpe Chicaiza Toapanta Caiza Tipán Pilataxi Morocho Sinchi Llumiquinga Yánez
        Simbaña Guanoluisa Lema Chango Sisalema Tituaña Cachimuel Conejo Maigua Guachamín Pillajo
        Cando Yumbla Quizhpi Guaraca Yugsi Collaguazo Masaquiza Chimbo Aucancela Sigcha
        """
    ),
    "Costa": _words(
        """
        Anchundia Quijije Bailón Pincay Mero Menéndez Chancay Vélez Párraga Pinargote Murillo
        Quiñónez Caicedo Angulo Nazareno Estupiñán Tenorio Mina Yagual Tomalá Suárez Rodas Bazurto
        Barzola Litardo Villamar Alvarado Arreaga Solórzano Burgos Plúas Quinde Lindao Borbor
        """
    ),
    "Amazonía": _words(
        """
        Tanguila Grefa Andi Shiguango Cerda Aguinda Chimbo Yumbo Licuy Vargas Santi Gualinga
        Kajekai Wampash Antuash Tsenkush Jimpikit Chumpi Ankuash Greffa Alvarado Mamallacta
        """
    ),
    "Insular": _words("Gil Cruz Chango Masaquiza Jerez Moncayo Wittmer Angermeyer Freire"),
}
STREETS = _words(
    """
    10 de Agosto; Simón Bolívar; Sucre; Amazonas; 9 de Octubre; Eloy Alfaro; 6 de Diciembre;
    Olmedo; Rocafuerte; 24 de Mayo; García Moreno; Quito; Guayaquil; Chile; Loja; Vicente Ramón
    Roca; Colón; Malecón; Juan Montalvo; Abdón Calderón; América; Los Shyris; Pedro Vicente
    Maldonado; Cuenca; Manabí; Francisco de Orellana; José Joaquín de Olmedo; Antonio José de
    Sucre; 10 de Octubre; Machala; Los Ríos; Esmeraldas; Imbabura; Atahualpa; Rumiñahui; Huayna
    Cápac; Ordóñez Lasso; Padre Solano; La Prensa; Mariscal Lamar; Velasco Ibarra; Jaime Roldós
    Aguilera; Los Chasquis; Las Palmas; Los Ceibos; Los Almendros; Las Acacias; Los Laureles
    """,
    between=";",
)
MAIL_DOMAINS = (
    "correo.example",
    "mail.example",
    "buzon.example",
    "mensajes.example",
    "andes.example",
    "pacifico.example",
)


def rank_weights(count: int, exponent: float = 0.75) -> list[float]:
    """Zipf's weights of `count` names in order of frequency."""
    return [1 / (rank + 4) ** exponent for rank in range(count)]
