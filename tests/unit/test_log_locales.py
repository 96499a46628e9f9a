"""Texts of systems that speak other languages: ld.so, shells and Windows say the same sentences translated."""

from __future__ import annotations

import pytest

from gpudoctor.logs.locales import in_english
from gpudoctor.workflows.diagnose import diagnose_text

TRANSLATED = {
    "German": "ImportError: libcudart.so.12: Kann die Shared-Object-Datei nicht öffnen: Datei oder Verzeichnis nicht gefunden",
    "French": "ImportError: libcudart.so.12: impossible d'ouvrir le fichier d'objet partagé: Aucun fichier ou dossier de ce type",
    "Spanish": "ImportError: libcudart.so.12: no se puede abrir el archivo del objeto compartido: No existe el archivo o el directorio",
    "Russian": "ImportError: libcudart.so.12: невозможно открыть разделяемый объектный файл: Нет такого файла или каталога",
    "Chinese": "ImportError: libcudart.so.12: 无法打开共享对象文件: 没有那个文件或目录",
    "Japanese": "ImportError: libcudart.so.12: 共有オブジェクトファイルを開けません: そのようなファイルやディレクトリはありません",
}


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_loader_is_understood_in_other_languages(language: str) -> None:
    text = TRANSLATED[language]
    assert in_english(text).startswith("ImportError: libcudart.so.12: cannot open shared object file")
    assert [d.id for d in diagnose_text(text).diagnoses][:1] == ["libcudart-missing"]


def test_lines_that_say_nothing_of_it_stay_as_they_are() -> None:
    for line in (
        "Le modèle est chargé",
        "训练完成，没有错误",
        "no se entrena con GPU",
        "cannot open shared object file",
    ):
        assert in_english(line) == line


def test_a_missing_nvcc_is_understood_on_a_chinese_windows() -> None:
    text = "'nvcc' 不是内部或外部命令，也不是可运行的程序"
    assert [d.id for d in diagnose_text(text).diagnoses][:1] == ["cuda-home-missing"]
