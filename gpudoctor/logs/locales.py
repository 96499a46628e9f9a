"""What ld.so, shells and Windows say in other languages, as they say it in English.

Signatures know the English sentences; a paste from a German or Chinese system has the same ones translated. Sources: the message
catalogues of glibc (po/*.po), bash (po/*.po) and Windows' system messages 2, 3, 5 and 126 and cmd's "is not recognized".
"""

from __future__ import annotations

_NOT_OPENED = (
    "unable to open shared object file",  # an interpreter of R translated it back
    "kann die shared-object-datei nicht öffnen",
    "kann shared-object-datei nicht öffnen",
    "impossible d'ouvrir le fichier d'objet partagé",
    "impossible d'ouvrir le fichier d'objets partagés",
    "ne peut ouvrir le fichier d'objet partagé",
    "no se puede abrir el archivo del objeto compartido",
    "no se puede abrir el archivo de objeto compartido",
    "no se puede abrir el fichero del objeto compartido",
    "impossibile aprire il file oggetto condiviso",
    "não é possível abrir arquivo de objeto compartilhado",
    "não foi possível abrir o arquivo de objeto compartilhado",
    "невозможно открыть разделяемый объектный файл",
    "не удалось открыть общий объектный файл",
    "не удаётся открыть общий объектный файл",
    "无法打开共享对象文件",
    "无法打开共享目标文件",
    "無法開啟共用目的檔",
    "無法開啟共享物件檔案",
    "無法開啟分享物件檔",
    "共有オブジェクトファイルを開けません",
    "共有オブジェクトファイルを開くことができません",
    "공유 오브젝트 파일을 열 수 없습니다",
    "공유 개체 파일을 열 수 없음",
    "nie można otworzyć pliku obiektu dzielonego",
    "nie można otworzyć obiektu współdzielonego pliku",
    "paylaşılan nesne dosyası açılamıyor",
    "nelze otevřít soubor sdíleného objektu",
)
_NO_FILE = (
    "datei oder verzeichnis nicht gefunden",
    "aucun fichier ou dossier de ce type",
    "aucun fichier ou dossier de ce nom",
    "no existe el archivo o el directorio",
    "no existe el fichero o el directorio",
    "file o directory non esistente",
    "arquivo ou diretório inexistente",
    "ficheiro ou diretório inexistente",
    "нет такого файла или каталога",
    "没有那个文件或目录",
    "沒有此一檔案或目錄",
    "そのようなファイルやディレクトリはありません",
    "그런 파일이나 디렉터리가 없습니다",
    "nie ma takiego pliku ani katalogu",
    "böyle bir dosya ya da dizin yok",
    "adresář nebo soubor neexistuje",
    "there is no file or directory available",
)
_NO_COMMAND = (
    "befehl nicht gefunden",
    "kommando nicht gefunden",
    "commande introuvable",
    "orden no encontrada",
    "comando no encontrado",
    "comando non trovato",
    "comando não encontrado",
    "команда не найдена",
    "未找到命令",
    "找不到命令",
    "找不到指令",
    "コマンドが見つかりません",
    "명령을 찾을 수 없습니다",
    "명령을 찾을 수 없음",
    "nie znaleziono polecenia",
    "komut yok",
    "komut bulunamadı",
)
_NOT_RECOGNIZED = (
    "ist entweder falsch geschrieben oder konnte nicht gefunden werden",
    "n'est pas reconnu en tant que commande interne",
    "no se reconoce como un comando interno o externo",
    "não é reconhecido como um comando interno",
    "non è riconosciuto come comando interno",
    "не является внутренней или внешней командой",
    "不是内部或外部命令",
    "不是內部或外部命令",
    "は、内部コマンドまたは外部コマンド",
    "은(는) 내부 또는 외부 명령",
)
_NO_MODULE = (
    "das angegebene modul wurde nicht gefunden",
    "le module spécifié est introuvable",
    "no se puede encontrar el módulo especificado",
    "não foi possível encontrar o módulo especificado",
    "impossibile trovare il modulo specificato",
    "не найден указанный модуль",
    "找不到指定的模块",
    "找不到指定的模組",
    "指定されたモジュールが見つかりません",
    "지정된 모듈을 찾을 수 없습니다",
)
_NO_FILE_ON_WINDOWS = (
    "das system kann die angegebene datei nicht finden",
    "le fichier spécifié est introuvable",
    "el sistema no puede encontrar el archivo especificado",
    "o sistema não pode encontrar o arquivo especificado",
    "impossibile trovare il file specificato",
    "не удается найти указанный файл",
    "系统找不到指定的文件",
    "系統找不到指定的檔案",
    "指定されたファイルが見つかりません",
    "지정된 파일을 찾을 수 없습니다",
)
_DENIED = (
    "keine berechtigung",
    "permission non accordée",
    "permiso denegado",
    "permesso negato",
    "permissão negada",
    "отказано в доступе",
    "权限不够",
    "權限不足",
    "許可がありません",
    "허가 거부",
)
_TRANSLATED: tuple[tuple[str, str], ...] = tuple(
    (said, english)
    for english, all_said in (
        ("cannot open shared object file", _NOT_OPENED),
        ("No such file or directory", _NO_FILE),
        ("command not found", _NO_COMMAND),
        ("is not recognized as an internal or external command", _NOT_RECOGNIZED),
        ("The specified module could not be found", _NO_MODULE),
        ("The system cannot find the file specified", _NO_FILE_ON_WINDOWS),
        ("Permission denied", _DENIED),
    )
    for said in all_said
)
_IN_ASCII = tuple(pair for pair in _TRANSLATED if pair[0].isascii())


def in_english(line: str) -> str:
    """The line with the sentences above put into English; most lines come back as they are.

    >>> in_english("ImportError: libcudnn.so.8: 无法打开共享对象文件: 没有那个文件或目录")
    'ImportError: libcudnn.so.8: cannot open shared object file: No such file or directory'
    """
    low = line.lower()
    for said, english in _IN_ASCII if line.isascii() else _TRANSLATED:
        at = low.find(said) if len(low) == len(line) else -1
        if at >= 0:
            line = line[:at] + english + line[at + len(said) :]
            low = line.lower()
    return line
